// Reports and records carry digests: who imports the engine may read them.
@_exported public import Digest

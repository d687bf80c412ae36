// PipelineManifest

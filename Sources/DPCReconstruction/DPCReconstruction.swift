// DPCReconstruction

// DPCStages

// DPCSimulation

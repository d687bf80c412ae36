// STEMData

// Every stage type of dpc, in the order in which a pipeline usually has them.
public import Pipeline

extension StageCatalog {
  /// The stages of DPC-STEM.
  public static let dpc = StageCatalog([
    ReadAcquisition(), CalibrateDetector(), CalibrateDeflection(), NormalizeSegments(),
    AverageFrames(), AverageUnitCell(), Crop(),
    DeflectionStage(), RemoveDescan(), EstimateRotation(), RotateToScan(), Smooth(),
    ElectricFieldStage(), Integrate(),
    Helmholtz(), ChargeDensity(), CorrectInclination(), FindWalls(), CombineViews(),
    WallProfileStage(),
    FlexoelectricEstimateStage(), VectorMapStage(),
    ScalarMapStage(), ProfilePlotStage(), PhantomWalls(), PhantomGaussian(), PhantomPlane(),
    PhantomSinusoid(), PhantomUniform(), SimulateAcquisition(), Exec(),
  ])
}

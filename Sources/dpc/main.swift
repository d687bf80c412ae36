print("dpc")

"""What CUDA asks of flow, CRF and engines alike: devices, graphs, the driver."""

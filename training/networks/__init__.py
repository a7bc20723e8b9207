"""What learns: backbones, the two-stream network (BF 3.2), its LightningModule, losses named by their equations."""

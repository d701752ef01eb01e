"""Data sets on disk: ours in shards, the paper's lead crops, ecg-image-kit's pages."""

from data_gen.formats.ecg_image_kit import EcgImageKit
from data_gen.formats.lead_crops import LeadCrops
from data_gen.formats.page_shards import PageShards
from data_gen.formats.shards import Shards, stream_shards

__all__ = ["EcgImageKit", "LeadCrops", "PageShards", "Shards", "stream_shards"]

"""Digitize ECG paper images in which leads overlap."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecg_overlap.digitize.lead import digitize_lead
    from ecg_overlap.digitize.page.digitize import digitize_page
    from ecg_overlap.network import load_model

__all__ = ["digitize_lead", "digitize_page", "load_model"]


def __getattr__(name: str) -> Any:
    # Lazy, so that importing the package, or digitizing without a network, needs no torch.
    if name == "digitize_lead":
        from ecg_overlap.digitize.lead import digitize_lead

        return digitize_lead
    if name == "digitize_page":
        from ecg_overlap.digitize.page.digitize import digitize_page

        return digitize_page
    if name == "load_model":
        from data_gen.extras import needs_extra

        with needs_extra("train", "ecg_overlap.load_model"):
            from ecg_overlap.network import load_model
        return load_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

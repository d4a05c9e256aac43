"""Waveforms → log-mel spectrograms inside the network: two matrix products with constants."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lamina.features.spectrogram import fourier_basis, mel_centres, mel_filters

RANGE = 1e-7  # power beside the recording's mean below which nothing is heard: 70 dB
KNEE = 0.75  # share of the highest frequency from which a warp bends back to leave that where it is


class Spectrogram(nn.Module):
    """int16 samples → log power per mel band and frame, beside the recording's own mean power.

    Loudness as a whole is taken out, so a quiet recording looks like a loud one. Frames after a
    recording's end are at the floor, as silence is.

    **Shape**: samples ``(batch, samples)``, lengths ``(batch,)`` → ``(batch, bands, frames)``, float32.
    """

    basis: Tensor
    filters: Tensor
    centres: Tensor

    def __init__(self, rate: int, bands: int, hop: int) -> None:
        super().__init__()
        basis = fourier_basis(rate)
        self.window, self.hop, self.highest = len(basis), hop, rate / 2
        self.register_buffer("basis", torch.from_numpy(basis), persistent=False)
        self.register_buffer("filters", torch.from_numpy(mel_filters(rate, bands)), persistent=False)
        centres = torch.from_numpy(mel_centres(rate, bands)).float()
        self.register_buffer("centres", centres, persistent=False)

    def frames(self, lengths: Tensor) -> Tensor:
        """How many frames begin inside recordings of these lengths (samples), at least one."""
        return (-(-lengths // self.hop)).clamp_min(1)

    def forward(self, samples: Tensor, lengths: Tensor, filters: Tensor | None = None) -> Tensor:
        """With ``filters``, ``(batch, bins, bands)``, every recording is heard through its own."""
        frames = -(-samples.shape[1] // self.hop)
        missing = (frames - 1) * self.hop + self.window - samples.shape[1]
        wave = nn.functional.pad(samples.float() / 32768, (0, missing))
        return self._log_power(
            wave.unfold(1, self.window, self.hop), inside(self.frames(lengths), frames), filters
        )

    def moved(
        self, samples: Tensor, lengths: Tensor, factors: Tensor, speed: Tensor, start: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Frequencies and time stretched: spectrograms, and the frames at which they end now.

        ``factors`` multiply the frequencies that are listened to, ``speed`` 1.1 is a tenth faster; both
        re-read the waveform, because stretching a spectrogram would smooth it. The recording begins
        ``start`` samples later, where negative its beginning is cut. All are ``(batch,)``.
        """
        frames = -(-samples.shape[1] // self.hop)
        steps = torch.arange(frames, device=samples.device) * self.hop
        begins = ((steps - start[:, None]) * speed[:, None]).round().long()
        heard = (begins >= 0) & (begins < lengths[:, None].clamp_min(1))
        places = begins.clamp(0, samples.shape[1])[:, :, None] + torch.arange(
            self.window, device=samples.device
        )
        wave = nn.functional.pad(samples.float() / 32768, (0, self.window))
        rows = torch.arange(len(wave), device=wave.device)[:, None, None]
        ends = (start + lengths / speed).div(self.hop).ceil().long().clamp(1, frames)
        return self._log_power(wave[rows, places], heard, self.warped_filters(factors)), ends

    @torch.no_grad()
    def _log_power(self, windows: Tensor, heard: Tensor, filters: Tensor | None) -> Tensor:
        with torch.autocast(windows.device.type, enabled=False):
            real, imaginary = (windows @ self.basis).chunk(2, 2)
            power = (real.square() + imaginary.square()) @ (self.filters if filters is None else filters)
            power = power * heard[:, :, None]
            total = power.sum((1, 2)) / heard.sum(1).clamp_min(1) / power.shape[2]
            relative = power / total.clamp_min(1e-12)[:, None, None]
            return (relative + RANGE).log().transpose(1, 2)

    def warped_filters(self, factors: Tensor) -> Tensor:
        """The mel filters of other vocal tracts (Jaitly & Hinton 2013), ``(batch, bins, bands)``.

        Frequencies are multiplied by ``factors`` up to a knee, then lead straight to the highest one.
        """
        factor, top = factors[:, None], self.highest
        knee = KNEE * top * factor.clamp_max(1) / factor
        beyond = top - (top - knee * factor) / (top - knee) * (top - self.centres)
        centres = torch.where(self.centres <= knee, self.centres * factor, beyond)
        bins = torch.linspace(0, top, len(self.filters), device=factors.device)
        least = top / (len(self.filters) - 1)  # one bin
        rise = (centres[:, 1:-1] - centres[:, :-2]).clamp_min(least)[:, None]
        fall = (centres[:, 2:] - centres[:, 1:-1]).clamp_min(least)[:, None]
        distance = bins[None, :, None] - centres[:, None, 1:-1]
        triangles = (1 - torch.where(distance < 0, -distance / rise, distance / fall)).clamp_min(0)
        return triangles / triangles.sum(1, keepdim=True)


def inside(lengths: Tensor, frames: int) -> Tensor:
    """Whether a frame lies inside its recording, bool ``(batch, frames)``."""
    return torch.arange(frames, device=lengths.device) < lengths[:, None]

"""The web page of the service, for a run of the store: its bundle is made when it is first wanted."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from maskwise.export.bundle_files import open_bundle
from maskwise.export.reader import Bundle
from maskwise.listeners import Listener
from maskwise.reports.words import LANGUAGES, Language
from maskwise.serving.config import ServeSettings
from maskwise.serving.gate import Gate
from maskwise.serving.kept_bundle import kept_bundle
from maskwise.serving.keys import KeyRing
from maskwise.serving.metrics import Metrics
from maskwise.serving.model_facts import model_facts
from maskwise.serving.page_files import PageFile, page_files
from maskwise.serving.run_service import gated
from maskwise.serving.service import Service
from maskwise.studio.frame import framed

_MOST_LOADED = 2
PREDICT = "/predict"


class Predictors:
    """The models that are loaded, at most two, by run id."""

    def __init__(self, settings: ServeSettings, cache: Path) -> None:
        self.settings, self.cache = settings, cache
        self._loaded: OrderedDict[str, tuple[Service, dict[Language, Gate]]] = OrderedDict()

    def find(self, run_id: str, language: Language) -> Gate | None:
        """The application that serves ``/predict/<run_id>/``, if it is loaded."""
        found = self._loaded.get(run_id)
        if found is None:
            return None
        self._loaded.move_to_end(run_id)
        return found[1][language]

    def load(self, folder: Path, data: Path | None, listener: Listener) -> None:
        """Export the run in ``folder`` unless that was done before, and load it; takes a while."""
        listener.on_stage("exporting the run", 1)
        files = open_bundle(kept_bundle(folder, self.cache, data, listener))
        listener.on_stage("loading the model", 1)
        bundle = Bundle(files, "fp32", self.settings.threads)
        settings = self.settings.model_copy(update={"path_prefix": f"{PREDICT}/{folder.name}"})
        service = Service(bundle, settings, model_facts(bundle, files, settings), Metrics())
        service.warm_up()
        self._loaded[folder.name] = (
            service,
            {language: gated(service, KeyRing(()), _page_within(language)) for language in LANGUAGES},
        )
        while len(self._loaded) > _MOST_LOADED:
            _, (oldest, _) = self._loaded.popitem(last=False)
            oldest.stop()

    def stop(self) -> None:
        """End the threads of all."""
        for service, _ in self._loaded.values():
            service.stop()


def _page_within(language: Language) -> dict[str, PageFile]:
    """The service's page with the way back to the studio."""
    page = page_files()
    html = framed(page["/"].content.decode(), PREDICT, language=language)
    index = html.replace('<html lang="en">', f'<html lang="en" data-language="{language}">', 1).encode()
    return page | {"/": page["/"]._replace(content=index, etag=f'{page["/"].etag[:-1]}-{language}"')}

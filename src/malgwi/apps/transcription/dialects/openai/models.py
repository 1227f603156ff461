"""The models that there are, as OpenAI lists them; loading and unloading them is ours."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from malgwi.apps.transcription.dialects.doors import Doors
from malgwi.scheduling import ModelState


class ModelExtras(BaseModel):
    """What is known of a model. All but `loaded` is null before it was loaded once."""

    loaded: bool
    engine: str | None
    device: str | None
    compute_type: str | None
    fallback_reason: str | None
    memory_bytes: int | None
    idle_seconds: float | None


class Model(BaseModel):
    """A model that can be asked for."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(default=0, description="Always 0: nobody knows.")
    owned_by: str = "malgwi"
    x_malgwi: ModelExtras


class Models(BaseModel):
    """All of them, the default first."""

    object: Literal["list"] = "list"
    data: list[Model]


def model_of(state: ModelState) -> Model:
    engine = state.engine
    return Model(
        id=state.name,
        x_malgwi=ModelExtras(
            loaded=state.loaded,
            engine=engine.name if engine else None,
            device=engine.device if engine else None,
            compute_type=engine.compute_type if engine else None,
            fallback_reason=engine.fallback_reason if engine else None,
            memory_bytes=state.memory,
            idle_seconds=state.idle,
        ),
    )


def add_model_routes(routes: APIRouter, doors: Doors) -> None:
    fleet = doors.service.fleet

    @routes.get("/v1/models")
    def models() -> Models:
        """The models that are here, whether they are loaded or not; the default first."""
        return Models(data=[model_of(each) for each in fleet.models()])

    @routes.post("/v1/models/{name:path}/load")
    async def load(request: Request, name: str) -> Model:
        """Load a model, so that the first request need not wait for it."""
        return model_of(await doors.crossing.run(request, lambda stop: fleet.load(name)))

    @routes.post("/v1/models/{name:path}/unload")
    async def unload(request: Request, name: str) -> Model:
        """End a model's process once it has no work; its memory goes back to the system."""
        return model_of(await doors.crossing.run(request, lambda stop: fleet.unload(name)))

    @routes.get("/v1/models/{name:path}")
    def model(name: str) -> Model:
        """One of them; an alias answers with the model that it stands for."""
        return model_of(fleet.state(name))

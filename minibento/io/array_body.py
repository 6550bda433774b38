"""Arrays as a body: JSON lists, or the bytes of a .npy file; knows no services."""

from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from minibento.io import npy
from minibento.io.base import BadAnswer, Decode, Encode
from minibento.io.flaws import refusal_of
from minibento.io.json_body import JSON, JsonBody
from minibento.io.ndarray import ArrayForm

__all__ = ["ArrayBody"]


class ArrayBody(JsonBody):
    """A codec for arrays of one form, which is held to whichever way they come."""

    def __init__(self, hint: Any) -> None:
        super().__init__(hint)
        (self._form,) = (entry for entry in hint.__metadata__ if isinstance(entry, ArrayForm))
        self.decoders: dict[str, Decode] = {JSON: self.decode, npy.NPY: self.decode_npy}
        self.others: dict[str, Encode] = {npy.NPY: self.encode_npy}
        text = f"A .npy file of numpy: {self._form}."
        self.described = {npy.NPY: {"type": "string", "format": "binary", "description": text}}

    def decode_npy(self, body: bytes) -> Any:
        """The array in a .npy file, in memory of its own.

        Raises:
            Refused: 400, it is no such file; 422, not an array of the form.
        """
        try:
            return self._form.fitted(npy.decode(body))
        except PydanticCustomError as error:
            raise refusal_of(error) from None

    def encode_npy(self, value: Any) -> bytes:
        """An answer as a .npy file; an array keeps its own dtype, as it does in JSON.

        Raises:
            BadAnswer: it is no array of the form, and cannot become one.
        """
        try:
            array = np.asarray(value)
            if array.dtype.kind == "O":  # what its lists would be, which is what JSON shows
                array = self._form.read(array.tolist())
            elif not isinstance(value, np.ndarray):
                array = self._form.fitted(array)
        except (PydanticCustomError, ValueError) as error:
            raise BadAnswer(f"the answer cannot become a .npy file: {error}") from error
        return npy.encode(array)

"""The base class of the Hub's forms."""

from typing import Any

from django import forms


class PageForm(forms.Form):
    """A form whose controls have the CSS class of the Hub's style."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not isinstance(field.widget, forms.CheckboxInput | forms.CheckboxSelectMultiple):
                field.widget.attrs.setdefault("class", "control")
                field.widget.attrs.setdefault("autocomplete", "off")

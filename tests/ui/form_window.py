"""The post-call form in a browser window."""

from html import unescape

from core.ui.parts.format import APART
from tests.ui.screens import browser_of, opened


class Window:
    """The form in one browser window."""

    def __init__(self, rep, event):
        self.rep, self.page = rep, opened("form", rep, event=str(event))

    def answer(self, **given):
        for key, value in given.items():
            with browser_of(self.rep):
                [group] = [each for each in self.page.get("button_group") if each.key == key]
                group.set_value(value).run()
        return self

    def type(self, label, text):
        [box] = [
            each
            for each in (*self.page.text_input, *self.page.text_area)
            if each.label.startswith(label)
        ]
        with browser_of(self.rep):
            box.set_value(text).run()
        return self

    def file(self):
        button = next(each for each in self.page.button if each.label == "File form")
        with browser_of(self.rep):
            button.click().run()
        return self

    def press(self, label):
        with browser_of(self.rep):
            [button] = [each for each in self.page.button if each.label == label]
            button.click().run()

    def asked(self):
        kinds = ("button_group", "checkbox", "text_input", "text_area", "date_input")
        labels = (each.label or each.proto.label for kind in kinds for each in self.page.get(kind))
        return {unescape(label).replace(APART, "") for label in labels}

    def errors(self):
        return [unescape(each.value).replace(APART, "") for each in self.page.error]

"""A popover closes with a success and stays with a refusal; its key is what the browser knows it
by.
"""

from streamlit.testing.v1 import AppTest


def page():
    import streamlit as st

    from core.ui.parts.popovers import closing_popover, note_done

    with closing_popover("Rename", "rename"):
        name = st.text_input("Name", key="name")
        if st.button("Save") and name:
            note_done()
            st.rerun()


def known_as(app):
    [block] = [each for each in app.main.children.values() if each.proto.HasField("popover")]
    return block.proto.id or block.proto.popover.id


def test_a_popover_is_another_one_after_a_success_and_the_same_after_a_refusal():
    app = AppTest.from_function(page).run()
    before = known_as(app)
    assert before
    app.button[0].click().run()
    assert known_as(app) == before
    app.text_input[0].set_value("Second account").run()
    app.button[0].click().run()
    assert known_as(app) != before
    assert app.text_input[0].value == "Second account"

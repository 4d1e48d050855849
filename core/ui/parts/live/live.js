// Asks for the stamp of the data while somebody can see the page, and never while nobody can.

const EVERY_MS = 1000;
const REFUSED = [401, 403];

async function look(state) {
  if (state.asking || state.ended || document.hidden) return;
  state.asking = true;
  try {
    const answer = await fetch(state.address, { credentials: "same-origin", cache: "no-store" });
    const stamp = answer.ok ? await answer.text() : state.stamp;
    state.ended = REFUSED.includes(answer.status);
    if (state.timer && (state.ended || stamp !== state.stamp)) {
      state.stamp = stamp;
      state.changed(state.ended ? "ended" : stamp);
    }
  } catch {
    // The server is away; it is asked again.
  } finally {
    state.asking = false;
  }
}

function stop(state) {
  clearInterval(state.timer);
  state.timer = null;
}

function turn(state) {
  stop(state);
  if (document.hidden || state.ended) return;
  state.timer = setInterval(look, EVERY_MS, state);
  look(state);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const state = (parentElement.live ??= {});
  const moved = state.address !== data.address;
  Object.assign(state, data, { changed: (stamp) => setTriggerValue("changed", stamp) });
  if (moved) {
    state.ended = false;
    state.turned ??= () => turn(state);
    document.addEventListener("visibilitychange", state.turned);
    turn(state);
  }
  return () => {
    document.removeEventListener("visibilitychange", state.turned);
    stop(state);
    state.address = null;
  };
}

"""A page that opens a WebSocket, whichever framework serves it.

Its query may say to which path, and which subprotocols it offers.
"""

CHAT_PAGE = """
<!doctype html>
<title>Chat</title>
<form id="say"><input name="text" autofocus><button>Say</button></form>
<ul id="heard"></ul>
<p id="state">connecting</p>
<script>
const parameters = new URLSearchParams(location.search);
const path = parameters.get("path") || "/chat";
const protocols = parameters.getAll("protocol");
const url = `${location.protocol.replace("http", "ws")}//${location.host}${path}`;
const socket = new WebSocket(url, protocols);
const state = document.getElementById("state");
socket.onopen = () => { state.textContent = `open ${socket.protocol}`; };
socket.onclose = (event) => {
    state.textContent = `closed ${event.code} ${event.reason}`; };
socket.onmessage = (event) => {
    const line = document.createElement("li");
    line.textContent = event.data;
    document.getElementById("heard").append(line); };
document.getElementById("say").onsubmit = (event) => {
    event.preventDefault();
    socket.send(event.target.text.value);
    event.target.reset(); };
</script>
"""

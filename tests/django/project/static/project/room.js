// Shows what is said in a room, and says what is typed.
const room = document.querySelector("#room").dataset.name;
const said = document.querySelector("#said");
const state = document.querySelector("#state");
const socket = new WebSocket(`ws://${location.host}/ws/room/${room}/`);

socket.onopen = () => { state.textContent = "open"; };
socket.onclose = (event) => { state.textContent = `closed ${event.code}`; };
socket.onmessage = (event) => {
  const line = document.createElement("li");
  line.textContent = JSON.parse(event.data).text;
  said.append(line);
};
document.querySelector("form").onsubmit = (event) => {
  event.preventDefault();
  const input = document.querySelector("input");
  socket.send(JSON.stringify({ text: input.value }));
  input.value = "";
};

// What every Socket.IO server of the benchmark answers.
export function events(io) {
  io.on('connection', (socket) => {
    socket.on('echo', (x, ack) => ack(x));
    socket.on('echo-event', (x) => socket.emit('echo-event', x));
    socket.on('join', (room, ack) => {
      socket.join(room);
      ack('ok');
    });
    socket.on('say', (x) => io.to('room').emit('say', x));
    socket.on('bin', (bytes, ack) => ack(bytes));
  });
}

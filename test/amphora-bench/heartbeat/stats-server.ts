// A stats socket that answers as a recorded haproxy with many listeners did: stats-server SOCKET RECORDING.
// It runs as a process of its own, so that its work does not count.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { gunzipSync } from 'node:zlib';

const [path = '', recording = ''] = process.argv.slice(2);
const csv = gunzipSync(readFileSync(recording)).toString('latin1');
const prompt = '\n> ';
const answers: Readonly<Record<string, string>> = {
  'show info': `Name: HAProxy\nPid: ${process.pid}\nStopping: 0\nCurrConns: 1\n`,
  'show stat': `${csv}\n`,
};

const server = createServer((socket) => {
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (text) => {
    for (const command of String(text).split('\n').slice(0, -1)) {
      socket.write(`${answers[command] ?? ''}${prompt}`, 'latin1');
    }
  });
});
server.listen(path, () => {
  process.stdout.write('ready\n');
});

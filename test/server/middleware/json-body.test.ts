import http from 'node:http';
import net, { type AddressInfo } from 'node:net';

import { expect } from 'chai';
import express, { type ErrorRequestHandler } from 'express';

import { Fault } from '../../../src/kit/fault.ts';
import { jsonBody, rawBody } from '../../../src/server/middleware/json-body.ts';

describe('the body of a request', () => {
  let server: http.Server;
  let port = 0;
  const answerFault: ErrorRequestHandler = (error: unknown, _request, response, next) => {
    if (response.headersSent) next(error);
    else response.status(400).json({ code: error instanceof Fault ? error.code : 'other' });
  };

  before((done) => {
    const app = express();
    app.put('/raw', rawBody(1000), (_request, response) => void response.json({ code: 'ok' }));
    app.put('/json', jsonBody, (_request, response) => void response.json({ code: 'ok' }));
    app.use(answerFault);
    server = http.createServer(app).listen(0, '127.0.0.1', () => {
      ({ port } = server.address() as AddressInfo);
      done();
    });
  });
  after((done) => {
    server.closeAllConnections();
    server.close(done);
  });

  const megabyte = Buffer.alloc(1024 * 1024, 'a');

  /** Sends pieces until the server hangs up. @returns what it has answered, and how much it has taken */
  function send(head: string, next: () => Buffer | undefined) {
    return new Promise<{ answer: string; sent: number }>((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      let answer = '';
      const push = (): void => {
        const piece = socket.destroyed ? undefined : next();
        if (piece === undefined) return;
        if (socket.write(piece)) setImmediate(push);
        else socket.once('drain', push);
      };
      socket.on('data', (bytes: Buffer) => {
        answer += bytes.toString();
        // The end of a JSON object is that of the answer.
        if (!/connection: close/i.test(answer) && answer.endsWith('}')) socket.destroy();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        resolve({ answer, sent: socket.bytesWritten });
      });
      socket.write(`${head}\r\n\r\n`);
      push();
    });
  }

  const paths = { '/raw': 'Content-Type: text/plain', '/json': 'Content-Type: application/json' };
  for (const [path, type] of Object.entries(paths)) {
    const head = `PUT ${path} HTTP/1.1\r\nHost: a\r\n${type}\r\n`;

    it(`at ${path} may be too large, and is answered after its end`, async () => {
      const pieces = [megabyte, megabyte];
      const { answer } = await send(`${head}Content-Length: ${2 * megabyte.length}`, () =>
        pieces.pop(),
      );
      expect(answer)
        .to.include('body_too_large')
        .and.not.match(/connection: close/i);
    });

    it(`at ${path} ends the connection when it has no end`, async () => {
      const chunk = Buffer.concat([Buffer.from('100000\r\n'), megabyte, Buffer.from('\r\n')]);
      const { sent } = await send(`${head}Transfer-Encoding: chunked`, () => chunk);
      expect(sent).to.be.below(200 * 1024 * 1024);
    });

    it(`at ${path} is refused at once when a gigabyte is announced`, async () => {
      const { answer, sent } = await send(`${head}Content-Length: ${1024 ** 3}`, () => undefined);
      expect(answer)
        .to.include('body_too_large')
        .and.match(/connection: close/i);
      expect(sent).to.be.below(1000);
    });
  }
});

import { expect } from 'chai';

import { readAnswers } from './wire.ts';

describe('the reader of HTTP answers', () => {
  const read = (text: string, methods: readonly string[] = [], isClosed = false) =>
    readAnswers(Buffer.from(text, 'latin1'), methods, isClosed);
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';

  it('reads consecutive answers with each kind of body', () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n';
    const none = 'HTTP/1.1 204 No Content\r\n\r\n';
    const ofHead = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';
    const early = 'HTTP/1.1 100 Continue\r\n\r\n';
    const methods = ['GET', 'GET', 'GET', 'HEAD', 'GET'];
    const { answers, flaw, isPartial } = read(early + ok + chunked + none + ofHead + ok, methods);
    expect([flaw, isPartial]).to.deep.equal([undefined, false]);
    expect(answers.map(({ status, body }) => `${status} ${body.toString()}`)).to.deep.equal([
      '200 hi',
      '200 hi',
      '204 ',
      '200 ',
      '200 hi',
    ]);
  });

  it('recognises an incomplete answer', () => {
    for (const text of [ok.slice(0, -1), ok.slice(0, 20), 'HTTP/1.1 200 OK\r\n\r\nhi']) {
      expect(read(text).isPartial, text).to.equal(true);
    }
    expect(read('HTTP/1.1 200 OK\r\n\r\nhi', [], true).answers).to.have.length(1);
  });

  it('reports bytes that are not HTTP', () => {
    for (const text of [
      'HTTP/1.0 200 OK\r\n\r\n',
      'HTTP/1.1 999 OK\r\n\r\n',
      'HTTP/1.1 200 OK\nA: b\r\n\r\n',
      'HTTP/1.1 200 OK\r\nA : b\r\n\r\n',
      'HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n',
      'HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n',
      `${ok}more than it said\r\n\r\n`,
    ]) {
      expect(read(text).flaw, text).to.be.a('string');
    }
  });
});

// Receives one generation after another into the given folder until it is killed (kills.test.ts).
import { openStore } from '../../src/alphorn/receiving/store.ts';
import { keepCompiled } from '../support/keep-compiled.ts';
import { inPieces, liferaftOf, someHost } from '../support/liferafts.ts';

const store = openStore(process.argv[2] ?? '', { keep: 3, maxBytes: 16 * 1024 * 1024 });
await store.tidy();
let generation = (await store.held(someHost))?.generation ?? 0;
keepCompiled();
for (;;) {
  generation += 1;
  const files = { '/etc/a': `${generation}`.padEnd(2_000_000, 'x'), '/etc/b': `${generation}` };
  const { digest, bytes } = liferaftOf({ generation, files });
  const announced = { hostId: someHost, digest, size: bytes.length, rebuilt: false };
  await store.receive(announced, inPieces(bytes));
  process.stdout.write(`${generation}\n`);
}

// An agent in a folder that the storm kills (test/support/amphora/storm.ts): storm-agent.ts FOLDER PORT
import { openInFolder, placesIn } from '../support/amphora/in-folder.ts';

const [, , folder = '', port = ''] = process.argv;
const nothing = () => undefined;
const log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: (fields: object) => {
    console.error(JSON.stringify(fields));
  },
};
await openInFolder(placesIn(folder), { port: Number(port), log });
console.log('ready');

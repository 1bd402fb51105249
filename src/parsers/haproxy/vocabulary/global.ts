import { address, id, logSocket, number, stateFile, statsSocket, time } from './arguments.ts';
import { line, fixed, type Vocabulary } from './shapes.ts';

const facility = /^local[0-7]$/;
const threads = /^auto:1\/1-\d{1,4}$/;
const cpus = /^1-\d{1,4}$/;

/** What drivers write into the section `global`. */
export const globalVocabulary: Vocabulary = {
  daemon: [line('daemon')],
  user: [fixed('user nobody')],
  // Drivers of API 0.5; the agent chooses the group.
  group: [line('group', id)],
  log: [line('log', logSocket, facility), line('log', logSocket, facility, 'notice')],
  stats: [line('stats', 'socket', statsSocket, 'mode', '0666', 'level', 'user')],
  'server-state-file': [line('server-state-file', stateFile)],
  maxconn: [line('maxconn', number)],
  'tune.ssl.cachesize': [line('tune.ssl.cachesize', number)],
  nbthread: [line('nbthread', number)],
  'cpu-map': [
    line('cpu-map', threads, cpus),
    // The template of 16.0 joins two lines; rewriteFor separates them.
    line('cpu-map', threads, cpus, 'external-check'),
  ],
  'external-check': [line('external-check')],
  'insecure-fork-wanted': [line('insecure-fork-wanted')],
};

/** What drivers write into the section `defaults`. */
export const defaultsVocabulary: Vocabulary = {
  log: [fixed('log global')],
  no: [fixed('no log')],
  retries: [line('retries', number)],
  option: [
    fixed('option redispatch'),
    fixed('option splice-request'),
    fixed('option splice-response'),
    fixed('option http-keep-alive'),
  ],
  timeout: [line('timeout', /^(?:connect|client|server)$/, time)],
};

/** What drivers write into a section `peers`. */
export const peersVocabulary: Vocabulary = {
  peer: [line('peer', id, address)],
};

import { words, type Vocabulary } from './shapes.ts';

const internal = 'prometheus-exporter-internal';

/** The proxies that a driver adds for a listener of protocol PROMETHEUS, word by word. */
export const prometheusVocabularies: Readonly<Record<string, Vocabulary>> = {
  [`frontend ${internal}-endpoint`]: {
    bind: [words('bind 127.0.0.1:9101')],
    mode: [words('mode http')],
    no: [words('no log')],
    option: [words('option http-use-htx')],
    'http-request': [
      words('http-request use-service prometheus-exporter if { path /metrics }'),
      words('http-request reject'),
    ],
    timeout: [words('timeout http-request 5s'), words('timeout client 5s')],
  },
  [`backend ${internal}`]: {
    mode: [words('mode http')],
    no: [words('no log')],
    balance: [words('balance first')],
    timeout: [words('timeout connect 5s'), words('timeout server 5s')],
    server: [words('server prometheus-internal 127.0.0.1:9102')],
  },
};

/**
 * Whether a proxy is one of those that a driver adds for a listener of protocol PROMETHEUS. They are no listeners and
 * no pools, so nobody reports them.
 * @param name of a frontend or backend
 */
export function isInternalProxy(name: string): boolean {
  return name.startsWith(internal);
}

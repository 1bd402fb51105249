import { fixed, type Vocabulary } from './shapes.ts';

const internal = 'prometheus-exporter-internal';

/** The proxies that a driver adds for a listener of protocol PROMETHEUS, word by word. */
export const prometheusVocabularies: Readonly<Record<string, Vocabulary>> = {
  [`frontend ${internal}-endpoint`]: {
    bind: [fixed('bind 127.0.0.1:9101')],
    mode: [fixed('mode http')],
    no: [fixed('no log')],
    option: [fixed('option http-use-htx')],
    'http-request': [
      fixed('http-request use-service prometheus-exporter if { path /metrics }'),
      fixed('http-request reject'),
    ],
    timeout: [fixed('timeout http-request 5s'), fixed('timeout client 5s')],
  },
  [`backend ${internal}`]: {
    mode: [fixed('mode http')],
    no: [fixed('no log')],
    balance: [fixed('balance first')],
    timeout: [fixed('timeout connect 5s'), fixed('timeout server 5s')],
    server: [fixed('server prometheus-internal 127.0.0.1:9102')],
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

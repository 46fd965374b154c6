import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PemPair } from './certificates.ts';

const POLL_MS = 50;
const REQUEST_LIMIT_MS = 5_000;

// The second one is read from etcd and is made by the API server after its start: with it, writing works as well.
const PATHS = ['/readyz', '/api/v1/namespaces/default'];

/**
 * Waits until the API server says that it is ready and its `default` namespace can be read.
 *
 * Rejects when `limitMs` is over; resolves early, unready, once `signal` is aborted.
 */
export async function waitUntilReady(
  serverUrl: string,
  caPem: string,
  client: PemPair,
  limitMs: number,
  signal: AbortSignal,
): Promise<void> {
  const agent = new Agent({ ca: caPem, cert: client.certPem, key: client.keyPem, keepAlive: false });
  const deadline = Date.now() + limitMs;
  for (const path of PATHS) {
    while (!signal.aborted) {
      const answer = await ask(serverUrl + path, agent);
      if (answer === 'HTTP 200') break;
      if (Date.now() > deadline) {
        throw new Error(
          `kube-apiserver is not ready after ${limitMs / 1000} s: ${serverUrl}${path}: ${answer}`,
        );
      }
      await sleep(POLL_MS);
    }
  }
}

async function ask(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const call = request(url, { agent, timeout: REQUEST_LIMIT_MS }, (response) => {
      response.resume();
      resolve(`HTTP ${response.statusCode ?? 0}`);
    });
    call.once('timeout', () => call.destroy(new Error('no answer in time')));
    call.once('error', (error) => resolve(error.message));
    call.end();
  });
}

import { parseTimestamp, type Timestamp } from '../../../src/api/time.ts';
import { type SigningKey, signingKeyFromRaw } from '../../../src/core/artifacts/sign.ts';

/** A time that a test writes down. */
export function at(text: string): Timestamp {
  const time = parseTimestamp(text);
  if (time === undefined) throw new Error(`no time: ${text}`);
  return time;
}

/** The ed25519 key whose seed is that byte, 32 times. */
export function edKey(byte: number): SigningKey {
  return signingKeyFromRaw('ed25519', new Uint8Array(32).fill(byte));
}

/** The P-256 key whose scalar is that byte, 32 times. */
export function p256Key(byte: number): SigningKey {
  return signingKeyFromRaw('ecdsa-p256', new Uint8Array(32).fill(byte));
}

/** A small fleet as CI writes it, to be changed at will. */
export function fleetDocument() {
  return {
    schemaVersion: 1 as unknown,
    hosts: {
      'web-1': {
        system: 'x86_64-linux',
        tags: ['web'],
        channel: 'stable',
        closureHash: 'aaa-web-1',
      } as object,
      'db-1': { system: 'x86_64-linux', tags: ['db'], channel: 'edge', pin: null } as object,
    } as Record<string, object>,
    channels: {
      stable: {
        rolloutPolicy: 'p',
        reconcileIntervalMinutes: 5,
        freshnessWindow: 60,
        signingIntervalMinutes: 30,
      },
    } as unknown,
    rolloutPolicies: {
      p: { strategy: 'all-at-once', waves: [] as unknown[], onHealthFailure: 'halt' },
    } as unknown,
    waves: { stable: [{ hosts: ['web-1'], soakMinutes: 5 }] } as unknown,
    channelEdges: [] as unknown,
    meta: { schemaVersion: 1, signedAt: '2026-05-16T01:00:00Z', ciCommit: 'abc' } as unknown,
  };
}

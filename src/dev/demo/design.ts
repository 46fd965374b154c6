import type { HostBehaviour, ProbeDeclaration } from '../../agent/behaviour.ts';
import { sha256Hex } from '../../core/artifacts/hash.ts';
import type { FleetDesign } from '../local/release.ts';

/** The demo's fleet: 8 hosts in 2 channels of 3 waves each, a budget, and a channel that waits for the other. */
export const demoFleet: FleetDesign = {
  hosts: [
    { name: 'edge-01', channel: 'edge', tags: ['edge'] },
    { name: 'edge-02', channel: 'edge', tags: ['edge'] },
    { name: 'edge-03', channel: 'edge', tags: ['edge'] },
    { name: 'web-01', channel: 'stable', tags: ['web'] },
    { name: 'web-02', channel: 'stable', tags: ['web'] },
    { name: 'web-03', channel: 'stable', tags: ['web'] },
    { name: 'db-01', channel: 'stable', tags: ['db'] },
    { name: 'db-02', channel: 'stable', tags: ['db'] },
  ],
  waves: {
    edge: [['edge-01'], ['edge-02'], ['edge-03']],
    stable: [['web-01'], ['web-02', 'web-03'], ['db-01', 'db-02']],
  },
  soakMinutes: 0,
  onHealthFailure: 'rollback-and-halt',
  channelEdges: [{ gates: 'edge', gated: 'stable', reason: 'edge tries every release first' }],
  budgets: [{ tag: 'db', maxInFlight: 1 }],
};

/** Every host watches its web server. */
export const demoProbes: readonly ProbeDeclaration[] = [{ name: 'nginx', kind: 'http', mode: 'enforce' }];

/** The host on which a faulty release shows its fault. */
export const faultyHost = 'web-02';

const NIX_ALPHABET = '0123456789abcdfghijklmnpqrsvwxyz';

/** The base name of the store path that a host runs under a release. */
export function closureOf(host: string, release: string): string {
  const digest = Buffer.from(sha256Hex(`${host} ${release}`), 'hex');
  const hash = [...digest].map((byte) => NIX_ALPHABET.charAt(byte % NIX_ALPHABET.length)).join('');
  return `${hash}-nixos-system-${host}-${release}`;
}

/** What befalls each host: some are slow, and one closure of one host never passes its probe. */
export function behaviourOf(host: string, faultyRelease: string): HostBehaviour {
  const switchSeconds = host === 'edge-03' ? 2.5 : host === 'db-01' ? 2 : 0.8;
  if (host !== faultyHost) return { switchSeconds };
  const failureReason = 'http probe: status 502 != expected 200';
  return {
    // However fast it lives, its acknowledgement is stored before it runs the closure. Else a heartbeat in between shows a
    // host that is on its target already, and it has converged without a probe.
    switchSeconds: 4,
    failsProbes: [{ probe: 'nginx', closures: [closureOf(host, faultyRelease)], failureReason }],
  };
}

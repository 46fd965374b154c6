import type { Fleet } from '../../src/api/kinds/fleet.ts';

/** What the Fleet of most tests says: a release from one ConfigMap, agents under `fleet.example`, defaults. */
export const fleetSpec: Fleet['spec'] = {
  source: { configMapRefs: ['release'] },
  trust: { configMapRef: { name: 'trust', key: 'trust.json' } },
  freshness: { window: '720h' },
  offline: { after: '15m', policy: 'Wait' },
  agents: {
    caSecretRef: { name: 'ca' },
    cnSuffix: 'fleet.example',
    certificateLifetime: '720h',
    artifactMaxAge: '55m',
  },
  retention: { attemptsPerChannel: 2, minAge: '1h' },
  intent: { hold: 'None' },
};

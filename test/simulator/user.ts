import type { Fleet } from '../../src/api/kinds/fleet.ts';
import {
  fleetResource,
  hostRolloutRecordResource,
  quarantinedClosureResource,
  rolloutResource,
} from '../../src/api/kinds/resources.ts';
import type { Rollout } from '../../src/api/kinds/rollout.ts';
import { API_VERSION } from '../../src/api/group.ts';
import type { Timestamp } from '../../src/api/time.ts';
import { fleetSpec } from '../support/fleet-spec.ts';
import type { SignedRelease } from './ci.ts';
import { FLEET, NAMESPACE } from './replica.ts';
import type { Fault, Scenario } from './scenario.ts';
import type { SimApi } from './sim-api.ts';

type Act = Extract<Fault, { kind: 'pause-rollout' | 'hold' | 'clear' | 'retry' | 'lift-quarantines' }>;

/** What people do with kubectl. */
export class User {
  readonly #api: SimApi;
  readonly #now: () => Timestamp;

  constructor(api: SimApi, now: () => Timestamp) {
    this.#api = api;
    this.#now = now;
  }

  /** Applies the Fleet with this release. */
  publish({ inline }: SignedRelease, offline: Scenario['offline']): void {
    const found = this.#fleet();
    const source = { inline };
    if (found === undefined) {
      this.#api.create(fleetResource, newFleet(source, offline), 'user');
      return;
    }
    this.#api.replace(fleetResource, { ...found, spec: { ...found.spec, source } }, 'user');
  }

  act(fault: Act): void {
    switch (fault.kind) {
      case 'hold':
        return this.#hold(fault.on);
      case 'pause-rollout':
        return this.#intend(fault.channel, { hold: fault.on ? 'Pause' : 'None' });
      case 'clear':
        return this.#intend(fault.channel, {
          clear: { at: this.#now(), reason: 'looked at', hosts: [...fault.hosts] },
        });
      case 'retry':
        return this.#retry(fault.host);
      case 'lift-quarantines':
        for (const { metadata } of this.#api.all(quarantinedClosureResource)) {
          this.#api.delete(quarantinedClosureResource, metadata, {}, 'user');
        }
    }
  }

  #hold(on: boolean): void {
    const fleet = this.#fleet();
    if (fleet === undefined) return;
    const spec = { ...fleet.spec, intent: { hold: on ? ('Hold' as const) : ('None' as const) } };
    this.#api.replace(fleetResource, { ...fleet, spec }, 'user');
  }

  #retry(host: string): void {
    const failed = this.#api
      .all(hostRolloutRecordResource)
      .filter(({ spec, status }) => spec.hostname === host && /Failed|Reverted/.test(status?.state ?? ''));
    for (const { spec } of failed) {
      const retry = [{ host, at: this.#now(), reason: 'once more' }];
      this.#change(spec.rolloutRef, { retry });
    }
  }

  #intend(channel: string, intent: Partial<Rollout['spec']['intent']>): void {
    const inForce = this.#fleet()?.status?.channels?.find(({ name }) => name === channel);
    if (inForce !== undefined) this.#change(inForce.rollout, intent);
  }

  #change(name: string, intent: Partial<Rollout['spec']['intent']>): void {
    const rollout = this.#api.peek(rolloutResource, { namespace: NAMESPACE, name });
    if (rollout === undefined) return;
    const spec = { ...rollout.spec, intent: { ...rollout.spec.intent, ...intent } };
    this.#api.replace(rolloutResource, { ...rollout, spec }, 'user');
  }

  #fleet(): Fleet | undefined {
    return this.#api.peek(fleetResource, { namespace: NAMESPACE, name: FLEET });
  }
}

function newFleet(source: Fleet['spec']['source'], offline: Scenario['offline']): Fleet {
  return {
    apiVersion: API_VERSION,
    kind: 'Fleet',
    metadata: { name: FLEET, namespace: NAMESPACE },
    spec: { ...fleetSpec, source, offline },
  };
}

import { describe, expect, it } from 'vitest';
import type { Fleet, FleetStatus } from '../../../src/api/kinds/fleet.ts';
import type { Host, HostStatus } from '../../../src/api/kinds/host.ts';
import { COUNT_KEY, watchFleet } from '../../../src/controllers/fleet/watch-fleet.ts';
import { Controller } from '../../../src/kube/controller.ts';
import { onlineHost, PlannerRoom } from '../controllers-planner/planner-room.ts';
import { SAMPLE_TIME, sampleFleet } from '../../support/kind-samples.ts';

const STATUS = { artifact: { ciCommit: 'c', contentRefs: ['r'] } } as unknown as FleetStatus;

/** A Fleet and a host in the caches of a leader, whose passes over the Fleet are written down. */
class Watched {
  readonly room = new PlannerRoom();
  readonly passes: string[] = [];
  fleet: Fleet;
  host: Host;

  constructor() {
    const { context, clock, stores } = this.room;
    const sample = sampleFleet('ns');
    const metadata = { ...sample.metadata, name: 'lab', generation: 1 };
    this.fleet = this.room.put(stores.fleets, { ...sample, metadata, status: STATUS });
    this.host = this.room.put(stores.hosts, onlineHost('a'));
    const reconcile = (key: string): Promise<void> => Promise.resolve(void this.passes.push(key));
    const controller = new Controller({ name: 'fleet', reconcile, clock, log: context.log });
    watchFleet(context, controller);
    controller.start();
  }

  /** The passes that follow a change. */
  async after(change: () => void): Promise<string[]> {
    await this.#rest();
    this.passes.length = 0;
    change();
    await this.#rest();
    return [...this.passes];
  }

  /** Changes the Fleet. */
  fleetBecomes(next: Partial<Fleet>): void {
    this.fleet = this.room.put(this.room.stores.fleets, { ...this.fleet, ...next });
  }

  /** Changes what is known of the host. */
  hostBecomes(status: Partial<HostStatus>): void {
    const { host } = this;
    this.host = this.room.put(this.room.stores.hosts, {
      ...host,
      status: { offline: false, ...host.status, ...status },
    });
  }

  async #rest(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) await this.room.clock.advance(1_000);
  }
}

const WHOLE = 'ns/lab';

describe('a change of the Fleet', () => {
  it.each<[string, Partial<Fleet>, string[]]>([
    [
      'what it asks for takes a whole pass',
      { metadata: { name: 'lab', namespace: 'ns', generation: 2 } },
      [WHOLE],
    ],
    [
      'an annotation, by which people ask for a look, takes a whole pass',
      { metadata: { name: 'lab', namespace: 'ns', generation: 1, annotations: { look: 'now' } } },
      [WHOLE],
    ],
    ['what is in force takes a whole pass', { status: { ...STATUS, artifact: undefined } }, [WHOLE]],
    ['what it tells people is counted again', { status: { ...STATUS, conditions: [] } }, [COUNT_KEY]],
  ])('%s', async (_, next, passes) => {
    const watched = new Watched();
    expect(await watched.after(() => watched.fleetBecomes(next))).toEqual(passes);
  });
});

describe('a change of a Host', () => {
  it.each<[string, Partial<HostStatus>, string[]]>([
    ['that goes offline is counted', { offline: true }, [COUNT_KEY]],
    ['that was first heard of is counted', { lastSeenTime: SAMPLE_TIME }, [COUNT_KEY]],
    ['that runs something else is not', { closure: 'clo-new' }, []],
    ['with another verdict is not', { state: 'Soaking', conditions: [] }, []],
  ])('%s', async (_, status, passes) => {
    const watched = new Watched();
    expect(await watched.after(() => watched.hostBecomes(status))).toEqual(passes);
  });

  it('that is heard of again is not', async () => {
    const watched = new Watched();
    watched.hostBecomes({ lastSeenTime: SAMPLE_TIME });
    const later = '2026-06-01T11:00:00Z' as typeof SAMPLE_TIME;
    expect(await watched.after(() => watched.hostBecomes({ lastSeenTime: later }))).toEqual([]);
  });

  it('that is no more takes a whole pass', async () => {
    const watched = new Watched();
    const { room, host } = watched;
    expect(await watched.after(() => room.remove(room.stores.hosts, host))).toEqual([WHOLE]);
  });
});

import { readFile } from 'node:fs/promises';
import { API_VERSION } from '../../src/api/group.ts';
import type { Fleet } from '../../src/api/kinds/fleet.ts';
import type { Host } from '../../src/api/kinds/host.ts';
import type { HostRolloutRecord } from '../../src/api/kinds/host-rollout-record.ts';
import {
  fleetResource,
  hostResource,
  hostRolloutRecordResource,
  rolloutResource,
} from '../../src/api/kinds/resources.ts';
import type { Rollout, RolloutStatus } from '../../src/api/kinds/rollout.ts';
import { timestampFromMillis, type Timestamp } from '../../src/api/time.ts';
import { renderConfigMaps } from '../../src/cli/config-map.ts';
import { verifyRelease, type Release, type ReleaseManifest } from '../../src/core/artifacts/release.ts';
import { signDocument, signingKeyFromPem } from '../../src/core/artifacts/sign.ts';
import { rolloutName } from '../../src/core/naming.ts';
import { newHost, newRecord, newRollout } from '../../src/core/rollout/open.ts';
import { CN_SUFFIX, FLEET, NAMESPACE, type Installation } from '../../src/dev/local/installation.ts';
import type { FleetDesign } from '../../src/dev/local/release.ts';
import { systemClock } from '../../src/kube/clock.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { forEachParallel } from '../../src/kube/parallel.ts';
import { benchFleet, benchRelease, FIRST_RELEASE, SECOND_RELEASE } from './rollout-fleet.ts';
import { convergedStatus, hostStatus } from './lived-status.ts';

/** Where the release in force stands. */
export type Stage =
  /** Everything has converged. */
  | 'converged'
  /** The last of three waves, half of the hosts, waits for a budget of a hundred. */
  | 'half-way';

/** A fleet that has lived through two releases. */
export interface GrownFleet {
  readonly hosts: readonly GrownHost[];
  readonly records: number;
}

/** One of its hosts. */
export interface GrownHost {
  readonly hostname: string;
  /** What it runs. */
  readonly closure: string;
}

const PLACE = { namespace: NAMESPACE, fleetName: FLEET };
const LANES = 32;
const LAST_WAVE = 2;
const BUDGET = 100;
const REPORT_EVERY = 5_000;
const HOUR_MS = 3_600_000;

/**
 * Makes, through the API, every object that a fleet has after two releases: its Hosts, a superseded Rollout and the one
 * in force, a record per host in each. They are what the operator and the hosts would have made of it; only the Fleet's
 * own status is left to the operator, so that it has to verify and store the release first.
 */
export async function growFleet(
  installation: Installation,
  client: KubeClient,
  size: { readonly hosts: number; readonly stage: Stage },
  onProgress: (line: string) => void,
): Promise<GrownFleet> {
  const design = { ...benchFleet(size.hosts), budgets: [{ tag: 'all', maxInFlight: BUDGET }] };
  const [before, inForce] = [
    await signedRelease(installation, design, FIRST_RELEASE),
    await signedRelease(installation, design, SECOND_RELEASE),
  ];
  const fleet = await publish(installation, client, inForce.documents);
  const grower = new Grower(client, fleet, onProgress);
  const anHourAgo = Date.now() - HOUR_MS;
  const superseded = await grower.rollout(before.release, anHourAgo, LAST_WAVE + 1);
  const waves = size.stage === 'converged' ? LAST_WAVE + 1 : LAST_WAVE;
  const current = await grower.rollout(inForce.release, anHourAgo + HOUR_MS / 2, waves);
  await grower.endRollout(superseded.rollout, {
    state: 'Superseded',
    supersededBy: current.rollout.metadata.name,
  });
  await grower.endRollout(current.rollout, { state: size.stage === 'converged' ? 'Terminal' : 'Active' });
  const hosts = await grower.hosts(inForce.release, [superseded.records, current.records]);
  return { hosts, records: superseded.records.size + current.records.size };
}

interface Signed {
  readonly release: Release;
  readonly documents: Parameters<typeof renderConfigMaps>[1];
}

async function signedRelease(installation: Installation, design: FleetDesign, name: string): Promise<Signed> {
  const key = signingKeyFromPem(await readFile(installation.files.ciKey, 'utf8'));
  const documents = [...benchRelease(design, name).documents].map(([file, text]) => {
    const { canonical, signature } = signDocument(text, key);
    return { key: file, text: canonical, signature };
  });
  const [fleet, ...manifests] = documents.map(({ text, signature }) => ({
    bytes: Buffer.from(text),
    signature,
  }));
  if (fleet === undefined) throw new Error('a release without documents');
  const verified = verifyRelease(
    { fleet, manifests: manifests.map((document) => ({ document })) },
    { keys: [key.trusted], now: systemClock.now(), freshnessWindowSeconds: undefined },
  );
  if (!verified.ok) throw new Error(`the benchmark's own release is refused: ${verified.message}`);
  return { release: verified.release, documents };
}

/** Puts a release where a Fleet takes it from, spread over as many ConfigMaps as it needs. */
async function publish(
  installation: Installation,
  client: KubeClient,
  documents: Signed['documents'],
): Promise<Fleet> {
  const { names, yaml } = renderConfigMaps({ name: `${FLEET}-release`, namespace: NAMESPACE }, documents);
  await installation.kubectl(['apply', '--server-side', '-f', '-'], yaml);
  return client.create(fleetResource, {
    apiVersion: API_VERSION,
    kind: 'Fleet',
    metadata: { name: FLEET, namespace: NAMESPACE },
    spec: {
      source: { configMapRefs: [...names] },
      trust: { configMapRef: { name: `${FLEET}-trust`, key: 'trust.json' } },
      freshness: { window: '720h' },
      offline: { after: '4h', policy: 'Wait' },
      agents: {
        caSecretRef: { name: `${FLEET}-agent-ca` },
        cnSuffix: CN_SUFFIX,
        certificateLifetime: '720h',
        artifactMaxAge: '55m',
      },
      retention: { attemptsPerChannel: 2, minAge: '24h' },
      intent: { hold: 'None' },
    },
  });
}

interface GrownRollout {
  readonly rollout: Rollout;
  /** By host. */
  readonly records: ReadonlyMap<string, HostRolloutRecord>;
}

class Grower {
  readonly #client: KubeClient;
  readonly #fleet: Fleet;
  readonly #onProgress: (line: string) => void;

  constructor(client: KubeClient, fleet: Fleet, onProgress: (line: string) => void) {
    this.#client = client;
    this.#fleet = fleet;
    this.#onProgress = onProgress;
  }

  /** A Rollout and its records, of which those of the first waves have converged. */
  async rollout(release: Release, openedAtMs: number, convergedWaves: number): Promise<GrownRollout> {
    const [manifest] = release.manifests.values();
    if (manifest === undefined) throw new Error('a release without manifest');
    const rollout = await this.#client.create(rolloutResource, this.#newRollout(release, manifest));
    const openedAt = timestampFromMillis(openedAtMs);
    const records = new Map<string, HostRolloutRecord>();
    await this.#each('records', manifest.manifest.hostSet, async (host) => {
      const made = newRecord(PLACE, rollout, release.fleet, host, 0, openedAt);
      const created = await this.#client.create(hostRolloutRecordResource, made);
      const record =
        host.waveIndex < convergedWaves
          ? await this.#client.replaceStatus(hostRolloutRecordResource, {
              ...created,
              status: convergedStatus(created),
            })
          : created;
      records.set(host.hostname, record);
    });
    return { rollout, records };
  }

  /** Says how a Rollout stands. */
  async endRollout(
    rollout: Rollout,
    status: Pick<RolloutStatus, 'state'> & Partial<RolloutStatus>,
  ): Promise<void> {
    const openedAt: Timestamp = timestampFromMillis(Date.parse(rollout.metadata.creationTimestamp ?? ''));
    await this.#client.replaceStatus(rolloutResource, {
      ...rollout,
      status: { currentWave: LAST_WAVE, openedAt, ...status },
    });
  }

  /** The Hosts, each running what it converged on last. `records`: by rollout, oldest first. */
  async hosts(
    release: Release,
    records: readonly ReadonlyMap<string, HostRolloutRecord>[],
  ): Promise<GrownHost[]> {
    const hosts: GrownHost[] = [];
    await this.#each('hosts', Object.entries(release.fleet.hosts), async ([hostname, declared]) => {
      const created = await this.#client.create<Host>(hostResource, newHost(PLACE, hostname, declared));
      const own = records
        .map((ofRollout) => ofRollout.get(hostname))
        .filter((record) => record !== undefined);
      const status = hostStatus(created, own, systemClock.now());
      await this.#client.replaceStatus(hostResource, { ...created, status });
      hosts.push({ hostname, closure: status.closure ?? '' });
    });
    return hosts;
  }

  #newRollout(release: Release, manifest: ReleaseManifest): Rollout {
    const choice = { name: rolloutName(manifest.rolloutId, 1), attempt: 1, open: true };
    return newRollout(PLACE, this.#fleet.metadata.uid ?? '', release.fleet, manifest, choice);
  }

  async #each<T>(what: string, items: readonly T[], make: (item: T) => Promise<void>): Promise<void> {
    let made = 0;
    await forEachParallel(items, LANES, async (item) => {
      await make(item);
      made += 1;
      if (made % REPORT_EVERY === 0 || made === items.length)
        this.#onProgress(`${made} of ${items.length} ${what}`);
    });
  }
}

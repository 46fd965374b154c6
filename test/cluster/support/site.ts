import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AgentFeedEntry } from '../../../src/agent/feed.ts';
import type { SimulatedHost } from '../../../src/agent/simulated-host.ts';
import { trustConfigSchema, type TrustConfig } from '../../../src/api/artifacts/trust-config.ts';
import { createAgentCa } from '../../../src/dev/agent-ca.ts';
import type { PemPair } from '../../../src/dev/certificates.ts';
import { closureOf } from '../../../src/dev/demo/design.ts';
import { OPERATOR_COMMAND } from '../../../src/dev/local/publish.ts';
import { type FleetDesign, releaseDocuments } from '../../../src/dev/local/release.ts';
import { startMachines } from '../../support/machines.ts';
import { clusterFolder, kube, nameAddress, NAMESPACE, RELEASE } from './cluster.ts';

const run = promisify(execFile);
const SUFFIX = 'fleet.example';
const SERVICE = `${RELEASE}-agents`;
/** Agents live this many times as fast; the operator keeps the times that it is shipped with. */
const FACTOR = 20;

/** A release of the fleet. */
export interface SiteRelease {
  readonly fleet: FleetDesign;
  readonly commit: string;
  /** Part of every closure's name. */
  readonly version: string;
}

/**
 * What a team has around an installation: a repository (a copy of examples/gitops), the key of its CI, the agents' CA,
 * and machines.
 */
export class Site {
  readonly repository: string;
  readonly agentCa: PemPair;
  readonly trust: TrustConfig;
  /** Everything that the machines told. */
  readonly feed: AgentFeedEntry[] = [];
  readonly #hosts: SimulatedHost[] = [];

  private constructor(repository: string, agentCa: PemPair, trust: TrustConfig) {
    this.repository = repository;
    this.agentCa = agentCa;
    this.trust = trust;
  }

  /** Makes keys and repository, and gives the cluster what an administrator gives it once. */
  static async prepare(): Promise<Site> {
    const repository = await mkdtemp(join(clusterFolder(), 'gitops-'));
    await cp('examples/gitops', repository, { recursive: true });
    const key = await nixfleet(['keygen', '--out', join(repository, 'ci.pem')]);
    const trustText = JSON.stringify({ schemaVersion: 1, ciReleaseKey: { current: JSON.parse(key) } });
    await writeFile(join(repository, 'trust', 'trust.json'), trustText);
    const agentCa = await createAgentCa();
    const data = { 'tls.crt': agentCa.certPem, 'tls.key': agentCa.keyPem };
    const metadata = { name: 'fleet-agent-ca' };
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata,
      stringData: data,
    };
    await kube(['apply', '--server-side', '-f', '-'], JSON.stringify(secret));
    await kube(['apply', '--server-side', '-k', join(repository, 'trust')]);
    return new Site(repository, agentCa, trustConfigSchema.parse(JSON.parse(trustText)));
  }

  /** What CI and GitOps do for a commit: sign it, and apply the folder. */
  async publish({ fleet, commit, version }: SiteRelease): Promise<void> {
    const documents = releaseDocuments(fleet, {
      commit,
      signedAt: new Date().toISOString(),
      closureOf: (host) => closureOf(host, version),
    });
    const file = join(this.repository, 'fleet.resolved.json');
    await writeFile(file, documents.get('fleet.resolved.json') ?? '');
    const out = join(this.repository, 'fleet', 'release');
    const key = join(this.repository, 'ci.pem');
    await nixfleet(['release', '--fleet', file, '--key', key, '--commit', commit, '--out', out]);
    await this.apply();
  }

  /** Changes the Fleet in the repository; it is applied with the next release. */
  async editFleet(edit: (text: string) => string): Promise<void> {
    const file = join(this.repository, 'fleet', 'fleet.yaml');
    await writeFile(file, edit(await readFile(file, 'utf8')));
  }

  /** Applies the folder as it is. */
  async apply(): Promise<void> {
    await kube(['apply', '--server-side', '-k', join(this.repository, 'fleet')]);
  }

  /** Starts a machine per host of the fleet that talks to the Service by its name, trusting the chart's certificate. */
  async startHosts(fleet: FleetDesign, version: string, faultyVersion: string): Promise<void> {
    await this.followService();
    const secret = await kube(['get', 'secret', `${RELEASE}-server`, '-o', 'jsonpath={.data.ca\\.crt}']);
    const machines = await startMachines({
      fleet,
      agentCa: this.agentCa,
      serverCaPem: Buffer.from(secret, 'base64').toString('utf8'),
      cnSuffix: SUFFIX,
      trust: this.trust,
      url: `https://${SERVICE}.${NAMESPACE}.svc`,
      factor: FACTOR,
      release: version,
      faultyRelease: faultyVersion,
      feed: (entry) => void this.feed.push(entry),
    });
    this.#hosts.push(...machines);
  }

  /** Has the Service's name resolve to the address it has now, as the cluster's DNS would. */
  async followService(): Promise<void> {
    await nameAddress(await serviceAddress(), `${SERVICE}.${NAMESPACE}.svc`);
  }

  /** What each machine really runs. */
  closures(): Record<string, string> {
    return Object.fromEntries(this.#hosts.map(({ hostname, machine }) => [hostname, machine.closure]));
  }

  /** Heartbeats that got no answer since `from`, an index into the feed. */
  missedHeartbeats(from: number): string[] {
    return this.feed
      .slice(from)
      .flatMap((entry) =>
        entry.type === 'error' && entry.part === 'heartbeat'
          ? [`${entry.at} ${entry.host}: ${entry.message}`]
          : [],
      );
  }

  /** Ends the machines and removes the repository. */
  async stop(): Promise<void> {
    await Promise.all(this.#hosts.map(async (host) => host.stop()));
    await rm(this.repository, { recursive: true, force: true });
  }
}

/** Breaks a signed file of the repository, as nobody who lacks the key can avoid. */
export async function tamper(site: Site): Promise<void> {
  const file = join(site.repository, 'fleet', 'release', 'stable.manifest.json');
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll('"waveIndex":2', '"waveIndex":0'));
}

async function serviceAddress(): Promise<string> {
  return kube(['get', 'service', SERVICE, '-o', 'jsonpath={.spec.clusterIP}']);
}

async function nixfleet(args: readonly string[]): Promise<string> {
  const { stdout } = await run(OPERATOR_COMMAND, [...args]);
  return stdout;
}

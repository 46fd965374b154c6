import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EnrolledIdentity } from '../../../src/agent/enrolment.ts';
import type { AgentFeedEntry } from '../../../src/agent/feed.ts';
import { readHostKey } from '../../../src/agent/openssh-key.ts';
import type { SimulatedHost } from '../../../src/agent/simulated-host.ts';
import { trustConfigSchema } from '../../../src/api/artifacts/trust-config.ts';
import { bootstrapTokenSchema } from '../../../src/api/wire/enroll.ts';
import { createAgentCa } from '../../../src/dev/agent-ca.ts';
import {
  bootHost,
  declarePubkeys,
  type HostPapers,
  makeHostPapers,
} from '../../../src/dev/local/host-papers.ts';
import type { FleetDesign } from '../../../src/dev/local/release.ts';
import { prepareMachines } from '../../support/machines.ts';
import { clusterFolder, kube, nameAddress, NAMESPACE, RELEASE } from './cluster.ts';
import { FleetRepository } from './repository.ts';

const SERVICE = `${RELEASE}-agents`;
/** Agents live this many times as fast; the operator keeps the times that it is shipped with. */
const FACTOR = 20;

/** What a team has around an installation: a repository with its CI, the agents' CA, and machines. */
export class Site {
  readonly repository: FleetRepository;
  /** Where all of it is, and what a test makes beside it. */
  readonly folder: string;
  /** Everything that the machines told. */
  readonly feed: AgentFeedEntry[] = [];
  readonly #ending = new AbortController();
  readonly #hosts: SimulatedHost[] = [];
  #papers: readonly HostPapers[] = [];
  #booted: Promise<unknown> = Promise.resolve();

  private constructor(root: string, repository: FleetRepository) {
    this.folder = root;
    this.repository = repository;
  }

  /** Makes keys and repository, and gives the cluster what an administrator gives it once. */
  static async prepare(): Promise<Site> {
    const root = await mkdtemp(join(clusterFolder(), 'site-'));
    const repository = await FleetRepository.create(root);
    const { certPem, keyPem } = await createAgentCa();
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { name: 'fleet-agent-ca' },
      stringData: { 'tls.crt': certPem, 'tls.key': keyPem },
    };
    await kube(['apply', '--server-side', '-f', '-'], JSON.stringify(secret));
    await kube(['apply', '--server-side', '-k', join(repository.folder, 'trust')]);
    return new Site(root, repository);
  }

  /** What people, CI and GitOps do for a release: commit it, sign it, and apply the folder. Resolves to the commit. */
  async publish(fleet: FleetDesign, version: string): Promise<string> {
    const commit = await this.commit(fleet, version);
    await this.repository.sign();
    await this.repository.apply();
    return commit;
  }

  /** Commits what the fleet shall run, with the keys of its hosts. */
  async commit(fleet: FleetDesign, version: string): Promise<string> {
    return this.repository.commitFleet(declarePubkeys(fleet, this.#papers), version);
  }

  /**
   * Sets up a machine per host of the fleet that talks to the Service by its name, trusting the chart's certificate.
   * Each begins to enrol with its SSH host key and a token, and goes on for as long as it has to.
   */
  async startHosts(fleet: FleetDesign, version: string, faultyVersion: string): Promise<void> {
    await this.followService();
    const { orgRootKey, folder: repository } = this.repository;
    this.#papers = await makeHostPapers({ folder: join(this.folder, 'hosts'), orgRootKey }, fleet);
    await this.repository.allowEnrolment(this.#papers.map(pairOf));
    const identities = new Map<string, EnrolledIdentity>();
    for (const papers of this.#papers) identities.set(papers.name, await this.newIdentity(papers));
    const trust = trustConfigSchema.parse(
      JSON.parse(await readFile(join(repository, 'trust/trust.json'), 'utf8')),
    );
    const machines = prepareMachines({
      fleet,
      identities,
      trust,
      factor: FACTOR,
      release: version,
      faultyRelease: faultyVersion,
      feed: (entry) => void this.feed.push(entry),
    });
    this.#hosts.push(...machines);
    const { signal } = this.#ending;
    this.#booted = Promise.all(
      machines.map(async (machine, index) => {
        const papers = this.#papers[index];
        const identity = identities.get(machine.hostname);
        if (papers === undefined || identity === undefined)
          throw new Error(`${machine.hostname} has no papers`);
        await bootHost(machine, identity, papers, { factor: FACTOR, signal });
      }),
    );
    this.#booted.catch(() => undefined); // heard of in enrolled()
  }

  /** Resolves when every host has enrolled; rejects where one was refused. */
  async enrolled(): Promise<void> {
    await this.#booted;
  }

  /** The key and the token of a host. Throws where it has none. */
  papersOf(name: string): HostPapers {
    const papers = this.#papers.find((one) => one.name === name);
    if (papers === undefined) throw new Error(`${name} has no papers`);
    return papers;
  }

  /** A host with these papers that has not enrolled. */
  async newIdentity({ name, hostKey }: HostPapers): Promise<EnrolledIdentity> {
    const secret = await kube(['get', 'secret', `${RELEASE}-server`, '-o', 'jsonpath={.data.ca\\.crt}']);
    return new EnrolledIdentity({
      controlPlaneUrl: `https://${SERVICE}.${NAMESPACE}.svc`,
      caPem: Buffer.from(secret, 'base64').toString('utf8'),
      machineId: name,
      hostKey: readHostKey(hostKey),
    });
  }

  /** Has the Service's name resolve to the address it has now, as the cluster's DNS would. */
  async followService(): Promise<void> {
    const address = await kube(['get', 'service', SERVICE, '-o', 'jsonpath={.spec.clusterIP}']);
    await nameAddress(address, `${SERVICE}.${NAMESPACE}.svc`);
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
    this.#ending.abort();
    await Promise.all(this.#hosts.map(async (host) => host.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

function pairOf({ name, token }: HostPapers): string {
  return `${name}=${bootstrapTokenSchema.parse(JSON.parse(token)).claims.nonce}`;
}

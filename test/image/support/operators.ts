import { chmod, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import {
  type ContainerRuntimeClient,
  GenericContainer,
  getContainerRuntimeClient,
  Network,
  type StartedNetwork,
  type StartedTestContainer,
  Wait,
} from 'testcontainers';
import { helm } from '../../../src/dev/helm.ts';
import { FLEET, type Installation, NAMESPACE } from '../../../src/dev/local/installation.ts';
import { ServiceProxy } from '../../../src/dev/local/service-proxy.ts';
import { OPERATOR_IMAGE } from '../../../src/dev/image/build-image.ts';

/** A name of the API server's certificate, which containers resolve to the network's gateway. */
const API_NAME = 'kubernetes';
const AGENT_PORT = 8443;
const HEALTH_PORT = 8081;

/** The operator's waiting times, for agents that live `FACTOR` times as fast. */
export const FACTOR = 15;
const FAST = [
  '--plan-interval=1s',
  '--redeliver-after=1s',
  '--settle-gap=3s',
  '--settle-max=22s',
  '--host-busy=40s',
  '--lease-duration=6s',
  '--lease-renew-deadline=4s',
  '--lease-retry-period=1s',
];

type Role = 'controller' | 'webhook';

/** As the chart runs it: nothing in its file system can be written. */
class OperatorContainer extends GenericContainer {
  constructor() {
    super(OPERATOR_IMAGE);
    this.hostConfig.ReadonlyRootfs = true;
  }
}

/** Containers of the image, two of each role, on a network of their own with a local control plane at its gateway. */
export class Operators {
  readonly service: ServiceProxy;
  readonly #installation: Installation;
  readonly #engine: ContainerRuntimeClient;
  readonly #network: StartedNetwork;
  readonly #gateway: string;
  readonly #apiServer: Server;
  readonly #controllers: StartedTestContainer[] = [];
  readonly #webhooks: StartedTestContainer[] = [];

  private constructor(
    installation: Installation,
    engine: ContainerRuntimeClient,
    network: StartedNetwork,
    gateway: string,
    apiServer: Server,
    service: ServiceProxy,
  ) {
    this.#installation = installation;
    this.#engine = engine;
    this.#network = network;
    this.#gateway = gateway;
    this.#apiServer = apiServer;
    this.service = service;
  }

  /** Loads the image and starts two of each role. */
  static async start(installation: Installation): Promise<Operators> {
    const engine = await getContainerRuntimeClient();
    const archive = createReadStream(process.env['NIXFLEET_IMAGE'] ?? '');
    const progress = await engine.container.dockerode.loadImage(archive);
    await new Promise((resolve) => progress.on('end', resolve).resume());
    const network = await new Network().start();
    const { IPAM } = await engine.network.getById(network.getId()).inspect();
    const gateway = IPAM?.Config?.[0]?.Gateway;
    if (gateway === undefined) throw new Error('the network has no gateway');
    const apiServer = await forward(gateway, Number(new URL(installation.controlPlane.serverUrl).port));
    const service = await ServiceProxy.start();
    const operators = new Operators(installation, engine, network, gateway, apiServer, service);
    await operators.#writeConfiguration();
    for (const role of ['controller', 'controller', 'webhook', 'webhook'] as const) await operators.add(role);
    return operators;
  }

  /** Starts one more. */
  async add(role: Role): Promise<void> {
    const command = ['run', `--kubeconfig=/etc/nixfleet/${role}.kubeconfig`, `--roles=${role}`, ...FAST];
    command.push(`--namespace=${NAMESPACE}`, `--fleet=${FLEET}`, '--poll-max=10s');
    command.push('--agent-tls-cert=/etc/nixfleet/server.pem', '--agent-tls-key=/etc/nixfleet/server-key.pem');
    const container = await new OperatorContainer()
      .withCommand(command)
      .withNetwork(this.#network)
      .withExtraHosts([{ host: API_NAME, ipAddress: this.#gateway }])
      .withBindMounts([{ source: this.#folder, target: '/etc/nixfleet', mode: 'ro' }])
      .withDroppedCapabilities('ALL')
      .withSecurityOpt('no-new-privileges')
      .withExposedPorts(HEALTH_PORT, ...(role === 'webhook' ? [AGENT_PORT] : []))
      .withWaitStrategy(Wait.forHttp('/readyz', HEALTH_PORT))
      .start();
    (role === 'controller' ? this.#controllers : this.#webhooks).push(container);
    this.service.setBackends(this.#webhooks.map((each) => each.getMappedPort(AGENT_PORT)));
  }

  /** The container that holds the Lease. */
  async leader(): Promise<Leader> {
    const holder = await this.holder();
    const container = this.#controllers.find((each) => holder.startsWith(each.getId().slice(0, 12)));
    if (container === undefined) throw new Error(`the Lease is held by "${holder}", who is none of ours`);
    return new Leader(this.#engine, this.#network, container, () => {
      this.#controllers.splice(this.#controllers.indexOf(container), 1);
    });
  }

  /** The identity in the Lease; empty while nobody holds it. */
  async holder(): Promise<string> {
    return this.#installation.kubectl([
      'get',
      'lease',
      'nixfleet-operator',
      '-o',
      'jsonpath={.spec.holderIdentity}',
    ]);
  }

  /** How the image is set up, and what a running container of it may do. */
  async inspect(): Promise<{ user: string; entrypoint: readonly string[]; size: number; shell: string }> {
    const image = await this.#engine.container.dockerode.getImage(OPERATOR_IMAGE).inspect();
    const shell = await this.#webhooks[0]
      ?.exec(['/bin/sh', '-c', 'true'])
      .then(({ exitCode, output }) => `${exitCode} ${output}`, String);
    const { User, Entrypoint } = image.Config;
    return { user: User, entrypoint: [Entrypoint ?? []].flat(), size: image.Size, shell: shell ?? '' };
  }

  /** Ends all of it. */
  async stop(): Promise<void> {
    await this.service.stop();
    await Promise.all(
      [...this.#controllers, ...this.#webhooks].map(async (each) => each.stop({ timeout: 0 })),
    );
    await this.#network.stop();
    this.#apiServer.close();
  }

  get #folder(): string {
    return join(this.#installation.folder, 'container');
  }

  /** Each role may do here what the chart lets it do. */
  async #grant(): Promise<void> {
    const roles = ['--show-only=templates/roles.yaml', `--set=fleet.name=${FLEET}`];
    const chart = ['template', 'nixfleet-operator', 'charts/nixfleet-operator', `--namespace=${NAMESPACE}`];
    await this.#installation.kubectl(['apply', '--server-side', '-f', '-'], await helm([...chart, ...roles]));
  }

  async #writeConfiguration(): Promise<void> {
    const { controlPlane, files } = this.#installation;
    const { port } = this.#apiServer.address() as AddressInfo;
    await mkdir(this.#folder);
    await this.#grant();
    for (const role of ['controller', 'webhook'] as const) {
      const path = await controlPlane.writeKubeconfigFor(
        `system:serviceaccount:${NAMESPACE}:nixfleet-operator-${role}`,
      );
      const kubeconfig = (await readFile(path, 'utf8')).replace(
        controlPlane.serverUrl,
        `https://${API_NAME}:${port}`,
      );
      await writeFile(join(this.#folder, `${role}.kubeconfig`), kubeconfig);
    }
    await cp(files.serverCert, join(this.#folder, 'server.pem'));
    await cp(files.serverKey, join(this.#folder, 'server-key.pem'));
    // A user of the image's own has to read them.
    for (const name of await readdir(this.#folder)) await chmod(join(this.#folder, name), 0o644);
  }
}

/** The container that led when it was asked for, and what may befall it. */
export class Leader {
  readonly id: string;
  readonly #engine: ContainerRuntimeClient;
  readonly #network: StartedNetwork;
  readonly #container: StartedTestContainer;
  readonly #forget: () => void;

  constructor(
    engine: ContainerRuntimeClient,
    network: StartedNetwork,
    container: StartedTestContainer,
    forget: () => void,
  ) {
    this.#engine = engine;
    this.#network = network;
    this.#container = container;
    this.#forget = forget;
    this.id = container.getId().slice(0, 12);
  }

  /** Stops it in its tracks. */
  async pause(): Promise<void> {
    await this.#handle.pause();
  }

  /** Lets it go on. */
  async resume(): Promise<void> {
    await this.#handle.unpause();
  }

  /** Ends it without a warning. */
  async kill(): Promise<void> {
    await this.#handle.kill({ signal: 'SIGKILL' });
  }

  /** Asks it to end, and resolves to its exit code. */
  async terminate(): Promise<number> {
    await this.#handle.kill({ signal: 'SIGTERM' });
    return this.ended();
  }

  /** Takes it off the network. */
  async cutOff(): Promise<void> {
    await this.#engine.network
      .getById(this.#network.getId())
      .disconnect({ Container: this.#container.getId() });
  }

  /** Puts it back on the network. */
  async reconnect(): Promise<void> {
    await this.#engine.network.getById(this.#network.getId()).connect({ Container: this.#container.getId() });
  }

  /** Resolves to its exit code when it has ended, and removes it. */
  async ended(): Promise<number> {
    const { StatusCode } = (await this.#handle.wait()) as { StatusCode: number };
    await this.#handle.remove();
    this.#forget();
    return StatusCode;
  }

  get #handle(): ReturnType<ContainerRuntimeClient['container']['getById']> {
    return this.#engine.container.getById(this.#container.getId());
  }
}

/** Passes connections to this address on to a port of the loopback address, where the API server listens. */
async function forward(address: string, port: number): Promise<Server> {
  const pass = (client: Socket): void => {
    const upstream = connect(port, '127.0.0.1');
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream])
      socket.on('error', () => [client, upstream].forEach((s) => s.destroy()));
  };
  const server = createServer(pass);
  await new Promise<void>((resolve) => {
    server.listen(0, address, resolve);
  });
  return server;
}

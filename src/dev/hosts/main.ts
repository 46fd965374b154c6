/** Simulated machines for a real installation: the hosts of a fleet, with certificates of the agents' CA. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ArtifactVerifier } from '../../agent/artifacts.ts';
import { agentConstants, scaled } from '../../agent/constants.ts';
import type { AgentFeedEntry } from '../../agent/feed.ts';
import { SimulatedHost } from '../../agent/simulated-host.ts';
import { trustConfigSchema } from '../../api/artifacts/trust-config.ts';
import { mintAgentCertificate } from '../agent-ca.ts';
import { closureOf, demoProbes } from '../demo/design.ts';

const HELP = `node src/dev/hosts/main.ts --url URL --server-ca FILE --agent-ca FILE --agent-ca-key FILE --trust FILE --fleet FILE

Simulated machines, to try an installation without real ones: each host of the fleet gets a certificate and an agent as
NixFleet v0.2 has it, runs an old closure, and follows what it is told. Ctrl-C ends them; they remember nothing.

  --url           the agents' Service, by a name or address in its certificate
  --server-ca     PEM of the CA that signed that certificate
  --agent-ca      PEM of the CA that agents' certificates are issued by, with --agent-ca-key
  --trust         trust.json, as hosts have it
  --fleet         fleet.resolved.json, signed or not: whose hosts to be
  --cn-suffix     Fleet.spec.agents.cnSuffix (default fleet.example)
  --factor        divide all times of the agents by it, 1 to 30 (default 2; above that they speak so often that the
                  operator needs a shorter --told-after, or an earlier release that is applied again waits for ever)
`;

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    'server-ca': { type: 'string' },
    'agent-ca': { type: 'string' },
    'agent-ca-key': { type: 'string' },
    trust: { type: 'string' },
    fleet: { type: 'string' },
    'cn-suffix': { type: 'string', default: 'fleet.example' },
    factor: { type: 'string', default: '2' },
    help: { type: 'boolean', default: false },
  },
});

type Name = 'url' | 'server-ca' | 'agent-ca' | 'agent-ca-key' | 'trust' | 'fleet';

function option(name: Name): string {
  const value = values[name];
  if (value === undefined) throw new Error(`--${name} is missing: see --help`);
  return value;
}

function factor(): number {
  const number = Number(values.factor);
  if (number >= 1 && number <= 30) return number;
  throw new Error(`--factor is "${values.factor}": give a number from 1 to 30`);
}

async function hostnames(): Promise<string[]> {
  const fleet = z.object({ hosts: z.record(z.string(), z.unknown()) });
  return Object.keys(fleet.parse(JSON.parse(await readFile(option('fleet'), 'utf8'))).hosts);
}

async function prepareHosts(): Promise<SimulatedHost[]> {
  const text = async (name: Name): Promise<string> => readFile(option(name), 'utf8');
  const verifier = new ArtifactVerifier(trustConfigSchema.parse(JSON.parse(await text('trust'))));
  const agentCa = { certPem: await text('agent-ca'), keyPem: await text('agent-ca-key') };
  const server = { controlPlaneUrl: option('url'), caPem: await text('server-ca') };
  const constants = scaled(agentConstants, factor());
  const hosts: SimulatedHost[] = [];
  for (const hostname of await hostnames()) {
    const request = { machineId: hostname, suffix: values['cn-suffix'] };
    const identity = { ...server, ...(await mintAgentCertificate(agentCa, request)) };
    const closure = closureOf(hostname, 'old');
    hosts.push(
      new SimulatedHost({ hostname, closure, identity, verifier, probes: demoProbes, constants, feed }),
    );
  }
  return hosts;
}

function feed(entry: AgentFeedEntry): void {
  const tell = (what: string): void => console.log(`${entry.at} ${entry.host}: ${what}`);
  if (entry.type === 'state') tell(`${entry.from} → ${entry.to} (${entry.rolloutId})`);
  if (entry.type === 'closure') tell(`runs ${entry.to}`);
  if (entry.type === 'dispatch-refused') tell(`refused ${entry.rolloutId}: ${entry.reason}`);
  if (entry.type === 'error') tell(`${entry.part}: ${entry.message}`);
}

async function main(): Promise<void> {
  const ended = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, ended.resolve);
  const hosts = await prepareHosts();
  for (const host of hosts) host.start();
  console.log(`${hosts.length} hosts are up; Ctrl-C ends them`);
  await ended.promise;
  await Promise.all(hosts.map(async (host) => host.stop()));
}

try {
  if (values.help) console.log(HELP);
  else await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}

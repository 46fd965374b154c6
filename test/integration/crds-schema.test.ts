import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ALL_KINDS } from '../../src/api/kinds/all-kinds.ts';
import {
  fleetResource,
  hostResource,
  hostRolloutRecordResource,
  quarantinedClosureResource,
  rolloutResource,
} from '../../src/api/kinds/resources.ts';
import {
  sampleFleet,
  sampleHost,
  sampleQuarantine,
  sampleRecord,
  sampleRollout,
} from '../support/kind-samples.ts';
import { clientOf } from '../support/widgets.ts';
import { adminKubeconfig, kubectlAdmin, newNamespace } from './support/shared-cluster.ts';

interface Node {
  readonly [key: string]: unknown;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

const definitions = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({
        versions: z.tuple([z.object({ schema: z.object({ openAPIV3Schema: z.custom<Node>() }) })]),
      }),
      status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })) }),
    }),
  ),
});

let namespace: string;
let served: z.infer<typeof definitions>['items'];

beforeAll(async () => {
  namespace = await newNamespace('kinds');
  const client = clientOf(adminKubeconfig());
  await client.create(fleetResource, sampleFleet(namespace));
  await client.create(rolloutResource, sampleRollout(namespace));
  await client.create(hostRolloutRecordResource, sampleRecord(namespace));
  await client.create(hostResource, sampleHost(namespace));
  await client.create(quarantinedClosureResource, sampleQuarantine(namespace));
  await client.close();
  const all = definitions.parse(JSON.parse(await kubectlAdmin(['get', 'crd', '-o', 'json'])));
  served = all.items.filter(({ metadata }) => metadata.name.endsWith('.nixfleet.dev'));
});

describe('the five kinds', () => {
  test('are served, and the server has nothing to say against their schemas', () => {
    const conditions = served.map(({ metadata, status }) => [
      metadata.name,
      status.conditions.map(({ type, status: holds }) => `${type}=${holds}`).toSorted(),
    ]);
    const accepted = ['Established=True', 'NamesAccepted=True'];
    expect(Object.fromEntries(conditions)).toEqual(
      Object.fromEntries(ALL_KINDS.map(({ plural }) => [`${plural}.nixfleet.dev`, accepted])),
    );
  });

  test('describe every field, bound every string and list, and have no floating-point number', () => {
    const faults = served.flatMap(({ metadata, spec }) =>
      faultsOf(spec.versions[0].schema.openAPIV3Schema, metadata.name.split('.')[0] ?? ''),
    );
    expect(faults).toEqual([]);
  });

  test('are explained field by field', async () => {
    const explain = (path: string): Promise<string> => kubectlAdmin(['explain', path]);
    expect(await kubectlAdmin(['explain', 'hostrolloutrecords', '--recursive'])).toMatch(
      /inbox\s+<\[\]Object>/,
    );
    expect(await explain('rollouts')).toMatch(
      /One attempt to bring the hosts of one channel to one signed ref/,
    );
    expect(await explain('fleets.spec.source')).toMatch(
      /configMapRefs\s+<\[\]string>\n\s+ConfigMaps that together/,
    );
    expect(await explain('hostrolloutrecords.status.dispatch')).toMatch(
      /deliveredAt\s+<string>\n\s+When the dispatch was first/,
    );
  });

  test.each([
    ['fleets', 'nff', 'NAME COMMIT HOSTS ONLINE READY REASON SIGNED AGE', ''],
    [
      'rollouts',
      'nfr',
      'NAME CHANNEL REF STATE WAVE CONVERGED FAILED BLOCKED AGE',
      'PENDING SOAKING OFFLINE ATTEMPT',
    ],
    ['hostrolloutrecords', 'nfhr', 'NAME HOST CHANNEL REF WAVE STATE BLOCKED-BY SOAK-DUE AGE', ''],
    ['hosts', 'nfh', 'NAME CHANNEL STATE CLOSURE DECLARED LAST-SEEN OFFLINE AGE', ''],
    ['quarantinedclosures', 'nfq', 'NAME CHANNEL CLOSURE REASON AGE', ''],
  ])('kubectl get %s and %s print the documented columns', async (plural, shortName, narrow, wide) => {
    const columns = async (name: string, ...flags: string[]): Promise<string[]> => {
      const printed = await kubectlAdmin(['get', name, '-n', namespace, ...flags]);
      return (printed.split('\n')[0] ?? '').trim().split(/\s+/);
    };
    expect(await columns(plural)).toEqual(narrow.split(' '));
    expect(await columns(shortName)).toEqual(narrow.split(' '));
    const all = [...narrow.split(' '), ...wide.split(' ').filter((column) => column !== '')];
    expect((await columns(plural, '-o', 'wide')).toSorted()).toEqual(all.toSorted());
  });

  test('kubectl get nixfleet shows all of them', async () => {
    const printed = await kubectlAdmin(['get', 'nixfleet', '-n', namespace, '-o', 'name']);
    expect(printed.trim().split('\n').toSorted()).toEqual([
      'fleet.nixfleet.dev/lab',
      'host.nixfleet.dev/web-01',
      'hostrolloutrecord.nixfleet.dev/stable-a1b2c3d4-0123456789.web-01',
      'quarantinedclosure.nixfleet.dev/stable-0123456789',
      'rollout.nixfleet.dev/stable-a1b2c3d4-0123456789',
    ]);
  });
});

/** What the Kubernetes API conventions of kubernetes-api.md do not let through. */
function faultsOf(node: Node, path: string): string[] {
  const faults: string[] = [];
  const { type } = node;
  if (type === 'number') faults.push(`${path} is a floating-point number`);
  if (type === 'string' && node['maxLength'] === undefined && node['enum'] === undefined) {
    faults.push(`${path} has no maxLength`);
  }
  if (type === 'array' && node['maxItems'] === undefined) faults.push(`${path} has no maxItems`);
  if (type === 'array' && node['x-kubernetes-list-type'] === undefined)
    faults.push(`${path} has no list type`);
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    // kubectl knows by itself what these three are.
    if (!path.includes('.') && ['apiVersion', 'kind', 'metadata'].includes(name)) continue;
    if ((child.description ?? '') === '') faults.push(`${path}.${name} has no description`);
    faults.push(...faultsOf(child, `${path}.${name}`));
  }
  if (node.items !== undefined) faults.push(...faultsOf(node.items, `${path}[]`));
  return faults;
}

describe('crds/ and the schemas', () => {
  const project = fileURLToPath(new URL('../..', import.meta.url));
  let copy: string;

  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'nixfleet-crds-'));
    for (const path of ['scripts', 'src/api', 'crds', 'package.json']) {
      await cp(join(project, path), join(copy, path), { recursive: true });
    }
    await symlink(join(project, 'node_modules'), join(copy, 'node_modules'));
  });

  afterAll(async () => rm(copy, { recursive: true, force: true }));

  const check = async (): Promise<string> =>
    new Promise((resolve) => {
      execFile(process.execPath, ['scripts/gen-crds.ts', '--check'], { cwd: copy }, (error, _, stderr) =>
        resolve(error === null ? 'ok' : stderr.trim()),
      );
    });

  test('a changed schema, a changed file and a file of no kind are drift, and writing anew ends it', async () => {
    expect(await check()).toBe('ok');

    const kind = join(copy, 'src/api/kinds/host.ts');
    const source = await readFile(kind, 'utf8');
    await writeFile(kind, source.replace('.max(256)', '.max(257)'));
    const command = 'run `make crds` and commit the result';
    expect(await check()).toBe(`crds/ differs from src/api/kinds in nixfleet.dev_hosts.yaml: ${command}`);
    await writeFile(kind, source);

    const file = join(copy, 'crds/nixfleet.dev_rollouts.yaml');
    await writeFile(file, `${await readFile(file, 'utf8')}\n`);
    await writeFile(join(copy, 'crds/nixfleet.dev_gadgets.yaml'), 'kind: Gadget\n');
    expect(await check()).toBe(
      `crds/ differs from src/api/kinds in nixfleet.dev_rollouts.yaml, nixfleet.dev_gadgets.yaml: ${command}`,
    );
    await new Promise((resolve) => {
      execFile(process.execPath, ['scripts/gen-crds.ts'], { cwd: copy }, resolve);
    });
    expect(await check()).toBe('ok');
  });
});

import { afterEach, describe, expect, test } from 'vitest';
import { LABEL_CONTENT } from '../../src/api/group.ts';
import { releaseOfConfigMaps } from '../../src/controllers/fleet/release-files.ts';
import { sha256Hex } from '../../src/core/artifacts/hash.ts';
import { encodeReleaseBundle } from '../../src/core/artifacts/release-bundle.ts';
import { verifyRelease } from '../../src/core/artifacts/release.ts';
import type { OperatorProcess } from '../../src/dev/local/operator-process.ts';
import { configMapResource, type ConfigMap } from '../../src/kube/blob-store.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import { SAMPLE_TIME } from '../support/kind-samples.ts';
import {
  asText,
  CI_KEY,
  documentsOf,
  OTHER_KEY,
  releaseFiles,
  signed,
  trustIn,
  type ReleaseFiles,
} from '../support/release.ts';
import { auditLinesOf, FLEET, Site } from './support/site.ts';

const LIMIT = { timeout: 15_000 };
const GOOD = releaseFiles({ digit: '1' });
const BAD = signed(documentsOf({ digit: '2' }), OTHER_KEY);

let site: Site;
let operator: OperatorProcess;

afterEach(() => site?.close());

async function begin(): Promise<void> {
  site = await Site.shared('content');
  operator = await site.startOperator();
}

async function publish(files: ReleaseFiles): Promise<void> {
  await site.putConfigMap('release', asText(files));
  await site.applyFleet({ configMapRefs: ['release'] });
}

async function inForce(): Promise<string> {
  await begin();
  await publish(GOOD);
  await expect.poll(() => site.condition('Ready'), LIMIT).toBe('True InForce');
  return (await site.fleet()).status?.artifact?.contentRefs[0] ?? '';
}

async function find(name: string): Promise<ConfigMap | undefined> {
  try {
    return await site.client.get(configMapResource, { name, namespace: site.namespace });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Whether a ConfigMap that is not the given one holds what that one held. */
async function isAnotherLike(old: ConfigMap | undefined): Promise<boolean> {
  const found = await find(old?.metadata.name ?? '');
  return (
    found !== undefined &&
    found.metadata.uid !== old?.metadata.uid &&
    found.binaryData?.['content.gz'] === old?.binaryData?.['content.gz']
  );
}

async function servedBy(process: OperatorProcess): Promise<readonly [number, string | undefined]> {
  const host = await site.host(process, 'web-01');
  const { status, body } = await host.get('/v1/fleet.resolved');
  host.close();
  return status === 200 ? [status, body] : [status, undefined];
}

const GOOD_BYTES = [200, GOOD.get('fleet.resolved.json')?.toString('latin1')] as const;

describe('content in force that somebody', () => {
  const forged = { 'content.gz': Buffer.from('forged').toString('base64') };

  test('deletes is stored anew at once, as long as the source gives it', async () => {
    const name = await inForce();
    const old = await find(name);
    await site.deleteConfigMap(name);
    await expect.poll(() => isAnotherLike(old), LIMIT).toBe(true);
    expect(await auditLinesOf(operator)).toContainEqual(
      expect.objectContaining({ configMaps: [name], msg: 'content that was gone or damaged is stored anew' }),
    );
    expect(await site.condition('Ready')).toBe('True InForce');
  });

  test('deletes after its source turned bad is stored anew as well, and outlives a restart', async () => {
    const name = await inForce();
    const old = await find(name);
    await publish(BAD);
    await expect.poll(() => site.condition('Verified'), LIMIT).toBe('False BadSignature');
    for (let time = 0; time < 2; time += 1) {
      await site.deleteConfigMap(name);
      await expect.poll(() => isAnotherLike(old), LIMIT).toBe(true);
    }
    await operator.kill();
    operator = await site.startOperator('second');
    await expect.poll(() => servedBy(operator), LIMIT).toEqual(GOOD_BYTES);
  });

  test('replaces by other bytes is put right', async () => {
    const name = await inForce();
    const old = await find(name);
    await site.deleteConfigMap(name);
    await site.client
      .create(configMapResource, {
        metadata: { name, namespace: site.namespace, labels: { [LABEL_CONTENT]: FLEET } },
        binaryData: forged,
      })
      // The operator was faster.
      .catch(() => undefined);
    await expect.poll(() => isAnotherLike(old), LIMIT).toBe(true);
  });

  test('replaced while no operator ran is put right by the next', async () => {
    const name = await inForce();
    const old = await find(name);
    await operator.kill();
    await site.deleteConfigMap(name);
    await site.client.create(configMapResource, {
      metadata: { name, namespace: site.namespace, labels: { [LABEL_CONTENT]: FLEET } },
      binaryData: forged,
    });
    operator = await site.startOperator('second');
    await expect.poll(() => isAnotherLike(old), LIMIT).toBe(true);
    await expect.poll(() => servedBy(operator), LIMIT).toEqual(GOOD_BYTES);
    expect(await auditLinesOf(operator)).toContainEqual(
      expect.objectContaining({ configMaps: [name], msg: 'content held other bytes and was replaced' }),
    );
  });
});

test('a ConfigMap of somebody else under the name of content is left alone, and nothing goes into force', async () => {
  const published = await releaseOfConfigMaps([{ metadata: { name: 'release' }, ...asText(GOOD) }]);
  const trust = { keys: [CI_KEY.trusted], now: SAMPLE_TIME, freshnessWindowSeconds: undefined };
  const verdict = verifyRelease(published, trust);
  if (!verdict.ok) throw new Error(verdict.message);
  const name = `${FLEET}-${sha256Hex(encodeReleaseBundle(verdict.release)).slice(0, 12)}-0`;
  await begin();
  await site.putConfigMap(name, { data: { mine: 'and nobody else’s' } });

  await publish(GOOD);
  await expect.poll(() => site.condition('Verified'), LIMIT).toBe('False ContentNameTaken');
  expect((await site.conditionOf('Verified'))?.message).toContain(
    `ConfigMap ${name} was made by somebody else`,
  );
  expect((await site.conditionOf('Verified'))?.message).toContain('delete it; nothing is in force');
  expect(await site.condition('Ready')).toBe('False NothingInForce');
  expect(await find(name)).toMatchObject({ data: { mine: 'and nobody else’s' } });
  expect(await site.rollouts()).toEqual([]);

  await site.deleteConfigMap(name);
  await expect.poll(() => site.condition('Ready'), LIMIT).toBe('True InForce');
  expect(await site.condition('Verified')).toBe('True Verified');
});

test('a key that is taken away ends what it signed in every process, and bringing it back brings that back', async () => {
  await inForce();
  const webhook = await site.startOperator('webhook', ['--roles=webhook']);
  await expect.poll(() => servedBy(webhook), LIMIT).toEqual(GOOD_BYTES);

  await site.putTrust(JSON.stringify(trustIn(OTHER_KEY.trusted)));
  await expect.poll(() => site.condition('Ready'), LIMIT).toBe('False ContentUnreadable');
  const refused = [503, undefined];
  for (const process of [operator, webhook]) {
    await expect.poll(() => servedBy(process), LIMIT).toEqual(refused);
  }
  const restarted = await site.startOperator('restarted', ['--roles=webhook']);
  expect(await servedBy(restarted)).toEqual(refused);
  expect((await site.conditionOf('Verified'))?.message).toContain('stays in force, but cannot be used');
  // Nor does it come back by losing what took it away.
  await site.deleteConfigMap('trust');
  await expect.poll(() => site.condition('Verified'), LIMIT).toBe('False TrustNotFound');
  expect(await site.condition('Ready')).toBe('False ContentUnreadable');
  for (const process of [operator, webhook, restarted]) expect(await servedBy(process)).toEqual(refused);

  await site.putTrust();
  await expect.poll(() => site.condition('Ready'), LIMIT).toBe('True InForce');
  for (const process of [operator, webhook, restarted]) {
    await expect.poll(() => servedBy(process), LIMIT).toEqual(GOOD_BYTES);
  }
});

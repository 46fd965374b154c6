import { expect, test } from 'vitest';
import type { Host } from '../../../src/api/kinds/host.ts';
import { addMillis, type Timestamp } from '../../../src/api/time.ts';
import { renewalsDue, type RenewalView } from '../../../src/core/enrolment/renewals-due.ts';
import { CI_KEY, OTHER_KEY, trustIn } from '../../support/release.ts';

const NOW = '2026-06-01T10:00:00Z' as Timestamp;
const HOUR_MS = 3_600_000;
const hours = (count: number): Timestamp => addMillis(NOW, count * HOUR_MS);
const nothing: RenewalView = {
  now: NOW,
  trust: trustIn(),
  authority: undefined,
  release: undefined,
  hosts: [],
  nonces: [],
  refusedDocuments: [],
};

function host(hostname: string, certificate?: { notBefore: Timestamp; notAfter: Timestamp }): Host {
  return {
    apiVersion: 'nixfleet.dev/v1alpha1',
    kind: 'Host',
    metadata: { name: hostname },
    spec: { fleetRef: 'lab', hostname, channel: 'stable', tags: [], platform: 'x86_64-linux' },
    ...(certificate && { status: { certificate: { ...certificate, fingerprint: 'f' } } }),
  };
}

function nonce(hostname: string, expiresAt: Timestamp): RenewalView['nonces'][number] {
  return { nonce: hostname, hostname, expiresAt, mintedAt: null, mintedBy: null };
}

function rotating(retireAt: Timestamp): RenewalView['trust'] {
  const trust = trustIn();
  const ciReleaseKey = {
    ...trust.ciReleaseKey,
    current: CI_KEY.trusted,
    successor: OTHER_KEY.trusted,
    retireAt,
  };
  return { ...trust, ciReleaseKey };
}

test.each<[string, Partial<RenewalView>, string[]]>([
  ['nothing that runs out', {}, []],
  ['a successor whose time has come', { trust: rotating(NOW) }, ['KeyRotationDue']],
  ['no trust config', { trust: undefined }, []],
  ['a successor whose time is to come', { trust: rotating(hours(1)) }, []],
  ['a refused list', { refusedDocuments: ['spec.agents.revocations: stale'] }, ['SideDocumentRefused']],
  [
    'an authority with a fifth of its life left',
    { authority: { notBefore: hours(-80), notAfter: hours(20) } },
    [],
  ],
  [
    'an authority with less',
    { authority: { notBefore: hours(-81), notAfter: hours(19) } },
    ['AuthorityEnding'],
  ],
  [
    'a certificate with less',
    { hosts: [host('a', { notBefore: hours(-90), notAfter: hours(10) })] },
    ['CertificatesEnding'],
  ],
  [
    'an ended certificate',
    { hosts: [host('a', { notBefore: hours(-90), notAfter: hours(-10) })] },
    ['CertificatesEnding'],
  ],
  ['a young certificate', { hosts: [host('a', { notBefore: hours(-10), notAfter: hours(90) })] }, []],
  ['a release that ages', { release: { notBefore: hours(-9), notAfter: hours(1) } }, ['ReleaseAging']],
  [
    'a token that ends soon, of a host that never came',
    { hosts: [host('a')], nonces: [nonce('a', hours(1))] },
    ['NoncesEnding'],
  ],
  ['a token that ends later', { nonces: [nonce('a', hours(3))] }, []],
  ['a token that is good for two hours', { nonces: [nonce('a', hours(2))] }, []],
  ['a host with a second, longer token', { nonces: [nonce('a', hours(1)), nonce('a', hours(9))] }, []],
  ['a host with a second, shorter token', { nonces: [nonce('a', hours(9)), nonce('a', hours(1))] }, []],
  [
    'a token of a host that has enrolled',
    { hosts: [host('a', { notBefore: NOW, notAfter: hours(100) })], nonces: [nonce('a', hours(1))] },
    [],
  ],
])('%s', (_, view, reasons) => {
  expect(renewalsDue({ ...nothing, ...view }).map(({ reason }) => reason)).toEqual(reasons);
});

test('what is due says until when, and what to do', () => {
  const view: RenewalView = {
    ...nothing,
    trust: rotating(NOW),
    authority: { notBefore: hours(-99), notAfter: hours(1) },
    release: { notBefore: hours(-99), notAfter: hours(1) },
    nonces: [nonce('b', hours(1)), nonce('a', hours(-1))],
  };
  expect(renewalsDue(view).map(({ message }) => message)).toEqual([
    'ciReleaseKey.retireAt was 2026-06-01T10:00:00Z: make the successor the current key in the trust config',
    "the agents' CA ends 2026-06-01T11:00:00Z, and with it every certificate it issued: bring in the next one (docs/agents.md)",
    'the release in force is fresh until 2026-06-01T11:00:00Z: let CI sign again',
    'bootstrap tokens of a, b end soon or have ended unused: mint new ones, or drop them from the list',
  ]);
});

test.each([
  [5, 'h0, h1, h2, h3, h4'],
  [8, 'h0, h1, h2, h3, h4 and 3 more'],
])('of %d hosts at most five are named', (length, names) => {
  const hosts = Array.from({ length }, (__, index) =>
    host(`h${index}`, { notBefore: hours(-99), notAfter: NOW }),
  );
  expect(renewalsDue({ ...nothing, hosts })[0]?.message).toBe(
    `certificates of ${names} end soon or have ended: let their agents renew, or enrol them anew`,
  );
});

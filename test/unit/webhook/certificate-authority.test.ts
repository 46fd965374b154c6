import { createPublicKey, generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { describe, expect, test } from 'vitest';
import type { Timestamp } from '../../../src/api/time.ts';
import { createAgentCa, mintServerCertificate } from '../../../src/dev/agent-ca.ts';
import type { PemPair } from '../../../src/dev/certificates.ts';
import { AuthorityFault, CertificateAuthority } from '../../../src/webhook/certificate-authority.ts';
import { readCertificateRequest } from '../../../src/webhook/certificate-request.ts';
import { newHostKey } from '../../support/enrolment.ts';

const profile = {
  commonName: 'agent-web-01.fleet.example',
  notBefore: '2026-06-01T10:00:00Z' as Timestamp,
  notAfter: '2026-07-01T10:00:00Z' as Timestamp,
};
const host = newHostKey('web-01');

type Algorithm = Parameters<KeyObject['toCryptoKey']>[0];

/** A self-signed authority with a key of that kind. */
async function authorityOf(
  pair: { publicKey: KeyObject; privateKey: KeyObject },
  algorithm: Algorithm,
  signingAlgorithm: x509.X509CertificateCreateParams['signingAlgorithm'],
  more: x509.Extension[] = [],
): Promise<PemPair & { privateKey: KeyObject }> {
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=agents',
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2040-01-01'),
    keys: {
      publicKey: pair.publicKey.toCryptoKey(algorithm, true, ['verify']),
      privateKey: pair.privateKey.toCryptoKey(algorithm, false, ['sign']),
    },
    ...(signingAlgorithm !== undefined && { signingAlgorithm }),
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true), ...more],
  });
  const keyPem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certPem: certificate.toString('pem'), keyPem, privateKey: pair.privateKey };
}

const ec = (namedCurve: string): Algorithm => ({ name: 'ECDSA', namedCurve });
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
const kinds: Readonly<Record<string, () => Promise<PemPair & { privateKey: KeyObject }>>> = {
  'P-256': () =>
    authorityOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }), ec('P-256'), {
      name: 'ECDSA',
      hash: 'SHA-256',
    }),
  'P-384': () =>
    authorityOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }), ec('P-384'), {
      name: 'ECDSA',
      hash: 'SHA-384',
    }),
  'P-521': () =>
    authorityOf(generateKeyPairSync('ec', { namedCurve: 'P-521' }), ec('P-521'), {
      name: 'ECDSA',
      hash: 'SHA-512',
    }),
  ed25519: () => authorityOf(generateKeyPairSync('ed25519'), { name: 'Ed25519' }, { name: 'Ed25519' }),
  RSA: () => authorityOf(generateKeyPairSync('rsa', { modulusLength: 2048 }), rsa, rsa),
};

async function leafOf(authority: CertificateAuthority, csrPem: string): Promise<X509Certificate> {
  const request = readCertificateRequest(csrPem);
  if (request === undefined) throw new Error('the request is not readable');
  return new X509Certificate(await authority.issue(request, profile));
}

describe('an authority', () => {
  test.each(Object.keys(kinds))('with a %s key issues what it can be verified by', async (kind) => {
    const pair = await kinds[kind]?.();
    if (pair === undefined) throw new Error(kind);
    const leaf = await leafOf(CertificateAuthority.open(pair), await host.csr());
    const own = new X509Certificate(pair.certPem);
    expect([leaf.checkIssued(own), leaf.verify(own.publicKey), leaf.ca]).toEqual([true, true, false]);
  });

  test('names the issuing key as the authority itself does, or not at all', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    for (const keyId of ['00112233445566778899', undefined]) {
      const own = keyId === undefined ? [] : [new x509.SubjectKeyIdentifierExtension(keyId)];
      const pair = await authorityOf(
        { privateKey, publicKey },
        { name: 'Ed25519' },
        { name: 'Ed25519' },
        own,
      );
      const leaf = await leafOf(CertificateAuthority.open(pair), await host.csr());
      expect(leaf.checkIssued(new X509Certificate(pair.certPem))).toBe(true);
      expect(
        new x509.X509Certificate(leaf.raw).getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId,
      ).toBe(keyId);
    }
  });

  test('takes a SEC1 key behind its curve’s parameters, as openssl ecparam writes it', async () => {
    const pair = await kinds['P-256']?.();
    const sec1 = pair?.privateKey.export({ type: 'sec1', format: 'pem' }).toString() ?? '';
    const keyPem = `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${sec1}`;
    const authority = CertificateAuthority.open({ certPem: pair?.certPem ?? '', keyPem });
    expect((await leafOf(authority, await host.csr())).subject).toBe('CN=agent-web-01.fleet.example');
  });

  test.each<[string, (ca: PemPair) => Promise<PemPair> | PemPair, RegExp]>([
    ['no certificate', (ca) => ({ ...ca, certPem: 'x' }), /tls\.crt is no certificate/],
    ['no key', (ca) => ({ ...ca, keyPem: 'x' }), /tls\.key is no private key/],
    [
      'a key of another',
      async (ca) => ({ ...ca, keyPem: (await createAgentCa()).keyPem }),
      /not the key of tls\.crt/,
    ],
    ['a certificate that is no CA’s', (ca) => mintServerCertificate(ca), /no CA certificate/],
  ])('is refused before anything is burned for it: %s', async (_, spoil, fault) => {
    const pair = await spoil(await createAgentCa());
    expect(() => CertificateAuthority.open(pair)).toThrow(AuthorityFault);
    expect(() => CertificateAuthority.open(pair)).toThrow(fault);
  });

  test('says when it ends', async () => {
    const pair = await kinds['P-256']?.();
    const authority = CertificateAuthority.open(pair ?? { certPem: '', keyPem: '' });
    expect(authority.isInForce('2039-12-31T23:59:59Z' as Timestamp)).toBe(true);
    expect(authority.isInForce('2040-01-01T00:00:00Z' as Timestamp)).toBe(false);
    expect(authority.isInForce('2019-12-31T23:59:59Z' as Timestamp)).toBe(false);
  });
});

/** A request whose subject is this, signed by the host key. */
async function requestWith(name: x509.JsonName, signer: KeyObject = host.key.privateKey): Promise<string> {
  const algorithm = { name: 'Ed25519' };
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys: {
      privateKey: signer.toCryptoKey(algorithm, false, ['sign']),
      publicKey: createPublicKey(host.key.privateKey).toCryptoKey(algorithm, true, ['verify']),
    },
    signingAlgorithm: algorithm,
  });
  return request.toString('pem');
}

describe('a request', () => {
  test('keeps the rest of its subject; its own common name gives way to the profile’s', async () => {
    const authority = CertificateAuthority.open(await createAgentCa());
    const leaf = await leafOf(
      authority,
      await requestWith([{ O: ['Example'] }, { CN: ['web-01'] }, { L: ['Zürich'] }]),
    );
    expect(leaf.subject.split('\n')).toEqual(['O=Example', 'CN=agent-web-01.fleet.example', 'L=Zürich']);
    expect(leaf.subjectAltName).toBe('DNS:agent-web-01.fleet.example');
  });

  test.each<[string, x509.JsonName]>([
    ['no common name', [{ O: ['x'] }]],
    ['an empty common name', [{ CN: [''] }]],
    ['two common names', [{ CN: ['web-01'] }, { CN: ['web-02'] }]],
    ['two common names in one part', [{ CN: ['web-01', 'web-02'] }]],
  ])('with %s is refused', async (_, name) => {
    expect(readCertificateRequest(await requestWith(name))).toBeUndefined();
  });

  test('that another key has signed is refused: whoever asks holds the key', async () => {
    const name = [{ CN: ['web-01'] }];
    expect(readCertificateRequest(await requestWith(name))?.commonName).toBe('web-01');
    expect(readCertificateRequest(await requestWith(name, newHostKey('x').key.privateKey))).toBeUndefined();
  });

  test('with a key of another kind is read as such', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const algorithm = ec('P-256');
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name: 'CN=web-01',
      keys: {
        privateKey: pair.privateKey.toCryptoKey(algorithm, false, ['sign']),
        publicKey: pair.publicKey.toCryptoKey(algorithm, true, ['verify']),
      },
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    });
    expect(readCertificateRequest(request.toString('pem'))).toMatchObject({
      commonName: 'web-01',
      ed25519: false,
    });
  });
});

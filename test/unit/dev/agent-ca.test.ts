import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createAgentCa,
  mintAgentCertificate,
  mintExpiredAgentCertificate,
  mintForeignAgentCertificate,
  mintServerCertificate,
} from '../../../src/dev/agent-ca.ts';
import type { PemPair } from '../../../src/dev/certificates.ts';

const web01 = { machineId: 'web-01', suffix: 'fleet.example' };

describe('the agent authority', () => {
  let ca: PemPair;
  let server: ReturnType<typeof createServer>;

  beforeAll(async () => {
    ca = await createAgentCa();
    const own = await mintServerCertificate(ca);
    server = createServer(
      { cert: own.certPem, key: own.keyPem, ca: ca.certPem, requestCert: true, rejectUnauthorized: false },
      (socket: TLSSocket) =>
        socket.end(
          String(socket.authorized ? socket.getPeerCertificate().subject.CN : socket.authorizationError),
        ),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterAll(() => {
    server.close();
  });

  /** The common name of a client the server trusts, or why it does not. */
  async function verdictOn(client: PemPair, host = '127.0.0.1'): Promise<string> {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    const socket = connect({
      port: address.port,
      host: '127.0.0.1',
      ...(host === 'localhost' ? { servername: host } : {}),
      ca: ca.certPem,
      cert: client.certPem,
      key: client.keyPem,
    });
    let text = '';
    socket.on('data', (data) => (text += data.toString()));
    await once(socket, 'end');
    return text;
  }

  test.for(['p256', 'ed25519'] as const)(
    'lets a host in with a %s key, by either server name',
    async (keyType) => {
      const client = await mintAgentCertificate(ca, { ...web01, keyType });
      expect(await verdictOn(client)).toBe('agent-web-01.fleet.example');
      expect(await verdictOn(client, 'localhost')).toBe('agent-web-01.fleet.example');
    },
  );

  test('names the host once as DNS name, for client authentication only', async () => {
    const certificate = new X509Certificate((await mintAgentCertificate(ca, web01)).certPem);
    expect(certificate.subjectAltName).toBe('DNS:agent-web-01.fleet.example');
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']); // extended key usage, in Node's naming
    expect(certificate.ca).toBe(false);
  });

  test('an expired certificate is refused as such', async () => {
    expect(await verdictOn(await mintExpiredAgentCertificate(ca, web01))).toBe('CERT_HAS_EXPIRED');
  });

  test('a certificate of another authority of the same name is refused', async () => {
    expect(await verdictOn(await mintForeignAgentCertificate(web01))).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });
});

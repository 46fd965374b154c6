import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WireAnswer, WireHost } from '../support/agent-port.ts';
import { newHostKey } from '../support/enrolment.ts';
import { certificateIn, EnrolmentRoom } from './support/enrolment-room.ts';

let room: EnrolmentRoom;

beforeEach(async () => {
  room = await EnrolmentRoom.open();
});

afterEach(() => room.close());

describe('renewal', () => {
  let own: WireHost;

  beforeEach(async () => {
    own = await room.enrolled();
    room.scene.notes.length = 0;
  });

  const ask = (csrPem: string): Promise<WireAnswer> => own.post('/v1/agent/renew', { csrPem });

  test('is told as an Event and an audit line that name the certificate before', async () => {
    expect((await ask(await room.web01.csr())).status).toBe(200);
    expect(room.scene.notes).toMatchObject([{ reason: 'CertificateRenewed' }]);
    expect(room.audit.at(-1)).toMatchObject({
      requester_cn: 'agent-web-01.fleet.example',
      context: expect.stringMatching(/^renew\/prev:[0-9a-f]{64}$/),
    });
  });

  test('needs a certificate', async () => {
    expect((await room.wire().post('/v1/agent/renew', { csrPem: await room.web01.csr() })).status).toBe(401);
  });

  test('D12: is never for another host, although its key is declared there, too', async () => {
    room.scene.hosts.set('web-02', { pubkey: room.web01.pubkey });
    expect((await ask(await room.web01.csr('web-02'))).status).toBe(401);
    expect((await ask(await room.web01.csr('agent-web-02.fleet.example'))).status).toBe(401);
  });

  test('may name the certificate in full', async () => {
    const answer = await ask(await room.web01.csr('agent-web-01.fleet.example'));
    expect(new X509Certificate(certificateIn(answer).certPem).subject).toBe('CN=agent-web-01.fleet.example');
  });

  test.each<[string, number, () => Promise<string> | string]>([
    ['no request', 400, () => 'x'],
    ['another key than the declared one', 401, () => newHostKey('web-01').csr()],
    [
      'a host that is no longer declared',
      401,
      () => {
        room.scene.hosts.clear();
        return room.web01.csr();
      },
    ],
    [
      'no authority',
      500,
      () => {
        room.scene.fault.authority = 'none';
        return room.web01.csr();
      },
    ],
  ])('%s: %i', async (_, status, csr) => {
    expect((await ask(await csr())).status).toBe(status);
    expect(room.scene.notes).toEqual([]);
  });

  test('is refused once the certificate is revoked, and a newer one passes', async () => {
    await room.clock.advance(5_000);
    room.scene.revoked.set('web-01', room.clock.now());
    expect((await ask(await room.web01.csr())).status).toBe(401);
    await room.clock.advance(5_000);
    const renewed = await room.enrolled();
    expect((await renewed.get('/v1/whoami')).status).toBe(200);
  });
});

/** The `http` source (kubernetes-api.md, Fleet): a whole operator polls a web server as it would poll a forge. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/core/artifacts/hash.ts';
import { ConditionalFetch } from '../../src/controllers/fleet/conditional-fetch.ts';
import { signed } from '../support/release.ts';
import { commitOf, smallFleetDocuments } from '../support/small-fleet.ts';
import { OperatorRoom } from './support/operator-room.ts';
import { untilFleet, untilRollout } from './support/waits.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Files under their paths, with ETags; a test may answer otherwise. */
class Forge {
  files = new Map<string, Buffer>();
  answer: Answer | undefined;
  /** `status path` of every answer. */
  readonly log: string[] = [];
  readonly tokens = new Set<string | undefined>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  static async start(): Promise<Forge> {
    const forge = new Forge();
    forge.#server.listen(0, '127.0.0.1');
    await once(forge.#server, 'listening');
    return forge;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the forge does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Puts a release where a forge would have it. */
  publish(digit: string): void {
    const now = new Date().toISOString() as Parameters<typeof smallFleetDocuments>[1];
    const files = signed(smallFleetDocuments({ channels: { stable: { waves: [['web-01']] } }, digit }, now));
    this.files = new Map(
      [...files].map(([name, bytes]) => [
        `/${name.replace('stable.manifest.json', `rollouts/stable@${commitOf(digit)}.json`)}`,
        bytes,
      ]),
    );
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    this.tokens.add(request.headers.authorization);
    response.on('finish', () => this.log.push(`${response.statusCode} ${path}`));
    if (this.answer !== undefined) return this.answer(request, response);
    const bytes = this.files.get(path);
    if (bytes === undefined) return void response.writeHead(404).end();
    const etag = `"${sha256Hex(bytes)}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
    response.writeHead(200, { etag }).end(bytes);
  }
}

let forge: Forge;

beforeEach(async () => {
  forge = await Forge.start();
});

afterEach(() => forge.stop());

describe('a Fleet with an http source', () => {
  let room: OperatorRoom;

  afterEach(() => room?.close());

  async function open(tokenSecretRef?: { name: string; key: string }): Promise<void> {
    const source = {
      http: {
        fleetURL: `${forge.url}/fleet.resolved.json`,
        signatureURL: `${forge.url}/fleet.resolved.json.sig`,
        manifestURLTemplate: `${forge.url}/rollouts/{rolloutId}.json`,
        manifestSignatureURLTemplate: `${forge.url}/rollouts/{rolloutId}.json.sig`,
        interval: '30s',
        ...(tokenSecretRef && { tokenSecretRef }),
      },
    };
    room = await OperatorRoom.open({ fleet: { source } });
  }

  test('is polled with the token, conditionally, and follows what the forge has', async () => {
    forge.publish('1');
    await open({ name: 'forge', key: 'token' });
    await room.site.secret('forge', { token: 'sesame\n' });
    await room.site.applyFleet();
    await untilRollout(room, 'Active');
    expect([...forge.tokens]).toEqual(['Bearer sesame']);
    expect(forge.log.toSorted()).toEqual([...forge.files.keys()].map((path) => `200 ${path}`).toSorted());
    forge.log.length = 0;
    room.clock.leap(30_000);
    await expect
      .poll(() => forge.log.toSorted())
      .toEqual([...forge.files.keys()].map((path) => `304 ${path}`).toSorted());
    expect((await room.rollouts()).length).toBe(1);
    forge.publish('2');
    room.clock.leap(30_000);
    await expect.poll(async () => (await room.fleet()).status?.artifact?.ciCommit).toBe(commitOf('2'));
  });

  test('keeps what is in force while the forge fails, asks ever more rarely, and comes back', async () => {
    forge.publish('1');
    await open();
    await room.site.applyFleet();
    await untilRollout(room, 'Active');
    forge.publish('2');
    forge.answer = (_, response) => void response.writeHead(500).end();
    forge.log.length = 0;
    room.clock.leap(30_000);
    await untilFleet(room, 'Verified', 'False SourceUnreadable');
    await untilFleet(room, 'Ready', 'True InForce');
    expect((await room.fleet()).status?.artifact?.ciCommit).toBe(commitOf('1'));
    expect(forge.log.length).toBe(1);
    room.clock.leap(30_000); // too early: after a failure the wait is twice as long
    room.clock.leap(30_000);
    await expect.poll(() => forge.log.length).toBe(2);
    forge.answer = undefined;
    room.clock.leap(60_000);
    expect((await room.fleet()).status?.artifact?.ciCommit).toBe(commitOf('1'));
    room.clock.leap(60_000);
    await expect.poll(async () => (await room.fleet()).status?.artifact?.ciCommit).toBe(commitOf('2'));
    await untilFleet(room, 'Verified', 'True Verified');
  });

  test('says what to do about a token that is missing or refused', async () => {
    forge.publish('1');
    await open({ name: 'forge', key: 'token' });
    await room.site.secret('forge', { other: 'x' });
    await room.site.applyFleet();
    await untilFleet(room, 'Verified', 'False SourceUnreadable');
    const message = async (): Promise<string | undefined> =>
      (await room.fleet()).status?.conditions?.find(({ type }) => type === 'Verified')?.message;
    expect(await message()).toContain('tokenSecretRef: Secret forge has no key token');
    forge.answer = (_, response) => void response.writeHead(403).end();
    await room.site.secret('forge', { token: 'wrong' });
    room.clock.leap(60_000);
    await expect.poll(message).toContain('answered 403: check spec.source.http.tokenSecretRef');
  });
});

describe('a fetch', () => {
  const never = new AbortController().signal;

  test('ends when the server takes too long, before or in the middle of its answer', async () => {
    const hanging = new ConditionalFetch('f', { timeoutMs: 100, maxBytes: 1_000 });
    forge.answer = () => undefined;
    await expect(hanging.get(forge.url, undefined, never)).rejects.toThrow('cannot be fetched');
    forge.answer = (_, response) => void response.writeHead(200).write('half of it');
    await expect(hanging.get(forge.url, undefined, never)).rejects.toThrow('broke off');
  });

  test('ends when the answer is too large, however little of it was announced', async () => {
    const bounded = new ConditionalFetch('f', { timeoutMs: 5_000, maxBytes: 1_000 });
    forge.answer = (_, response) => void response.writeHead(200).end(Buffer.alloc(1_001));
    await expect(bounded.get(forge.url, undefined, never)).rejects.toThrow('larger than 1000 bytes');
    forge.answer = (_, response) => void response.writeHead(200).end(Buffer.alloc(1_000));
    expect((await bounded.get(forge.url, undefined, never)).length).toBe(1_000);
  });

  test('does not follow a redirect, which could carry the token elsewhere', async () => {
    const other = await Forge.start();
    forge.answer = (_, response) => void response.writeHead(302, { location: other.url }).end();
    await expect(new ConditionalFetch().get(forge.url, 'secret', never)).rejects.toThrow(
      'give the final URL',
    );
    expect(other.log).toEqual([]);
    await other.stop();
  });
});

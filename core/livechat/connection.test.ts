import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { respondWith, startServer } from '../../test/http-server.ts';
import { createConnections } from './connection.ts';

const secret = (token: string, agent: string, owner = '') => ({
  text: JSON.stringify({
    LIVECHAT_WEBHOOK_SECRET: 'whsec-of-the-test',
    LIVECHAT_ACCESS_TOKEN: token,
    LIVECHAT_AGENT_ID: agent,
    LIVECHAT_ORGANIZATION_ID: owner,
  }),
  createdAt: 0,
});

const { readSecret } = vi.hoisted(() => ({ readSecret: vi.fn() }));
vi.mock('../platform/secrets-manager.ts', async (original) => ({ ...(await original<object>()), readSecret }));

async function connectToServer() {
  const server = await startServer(respondWith(200, { chats_summary: [] }));
  onTestFinished(server.stop);
  readSecret.mockResolvedValue(secret('old', 'nina@acme.example'));
  const connect = createConnections({ SECRET_PREFIX: 'livechat', LIVECHAT_API_BASE_URL: server.url });
  const calls = () => server.received.map(({ headers }) => [headers.authorization, headers['x-region']]);
  return { connect, calls, organizationId: randomUUID() };
}

it('has the token and the agent of changed credentials after a refresh', async () => {
  const { connect, calls, organizationId } = await connectToServer();
  const connection = await connect(organizationId);
  readSecret.mockResolvedValue(secret('new', 'tomas@acme.example'));
  const refreshed = await connection.refresh();
  expect(refreshed?.agentId).toBe('tomas@acme.example');
  await refreshed?.client.listChats({ limit: 1 });
  expect(calls()).toEqual([['Bearer new', undefined]]);
});

it('is not renewed while the credentials are the same', async () => {
  const { connect, organizationId } = await connectToServer();
  expect(await (await connect(organizationId)).refresh()).toBeUndefined();
});

it("keeps an organization's region", async () => {
  const { connect, calls, organizationId } = await connectToServer();
  const inRegion = (await connect(organizationId)).inRegion('fra');
  const [later, other] = [await connect(organizationId), await connect(randomUUID())];
  for (const { client } of [inRegion, later, other]) await client.listChats({ limit: 1 });
  expect(calls()).toEqual([
    ['Bearer old', 'fra'],
    ['Bearer old', 'fra'],
    ['Bearer old', undefined],
  ]);
});

describe('with a default secret that names its organization', () => {
  const owner = randomUUID();
  const other = randomUUID();
  const readSecrets = (secrets: Readonly<Record<string, object>>) =>
    readSecret.mockImplementation(async (name: string) => secrets[name]);
  const named = { 'livechat/default': secret('owner', 'nina@acme.example', owner.toUpperCase()) };

  it('connects that organization', async () => {
    const { connect, calls } = await connectToServer();
    readSecrets(named);
    await (await connect(owner)).client.listChats({ limit: 1 });
    expect(calls()).toEqual([['Bearer owner', undefined]]);
  });

  it('refuses another organization, and names the field', async () => {
    const { connect } = await connectToServer();
    readSecrets(named);
    await expect(connect(other)).rejects.toThrow(
      `organizationId: expected ${owner} (LIVECHAT_ORGANIZATION_ID of secret livechat/default)`,
    );
  });

  it('connects another organization with its own secret', async () => {
    const { connect, calls } = await connectToServer();
    readSecrets({ ...named, [`livechat/${other}`]: secret('own', 'tomas@acme.example') });
    await (await connect(other)).client.listChats({ limit: 1 });
    expect(calls()).toEqual([['Bearer own', undefined]]);
  });

  it('rejects a refresh to a secret of another organization', async () => {
    const { connect } = await connectToServer();
    readSecrets({ 'livechat/default': secret('old', 'nina@acme.example') });
    const connection = await connect(other);
    readSecrets(named);
    await expect(connection.refresh()).rejects.toThrow('organizationId: expected');
  });
});

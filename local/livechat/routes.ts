import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { BadField, SimulatorError } from './errors.ts';
import { parse, parseAction } from './parse.ts';
import { startRequest } from './requests.ts';
import type { Simulator } from './simulator.ts';
import { viewChat, viewChats } from './view.ts';

const mebibyte = 1024 * 1024;

const readJson = async (request: Request): Promise<unknown> => {
  try {
    return await request.json();
  } catch (cause) {
    throw new BadField('body', `JSON; it cannot be read: ${cause instanceof Error ? cause.message : 'unknown cause'}`);
  }
};

/** The simulator's own API, by which a person or a test acts as customer, agent or router. */
export const simulatorRoutes = (simulator: Simulator): Hono => {
  const app = new Hono();

  app.use(bodyLimit({ maxSize: mebibyte, onError: (c) => c.json({ error: { message: 'More than 1 MiB' } }, 413) }));

  app.onError((error, c) => {
    if (error instanceof SimulatorError) return c.json(error.body, error.status);
    console.error('The simulator failed:', error);
    return c.json({ error: { message: 'The simulator failed; its log says why.' } }, 500);
  });

  app.notFound((c) => c.json({ error: { message: `There is no ${c.req.method} ${c.req.path} here.` } }, 404));

  app.post('/simulator/chats', async (c) => {
    const { chat } = simulator.start(parse(startRequest, await readJson(c.req.raw)));
    return c.json({ chat_id: chat.id, thread_id: chat.thread.id });
  });

  app.post('/simulator/chats/:id/events', async (c) => {
    const chatId = c.req.param('id');
    simulator.chat(chatId);
    const { chat, eventId } = simulator.act(chatId, parseAction(await readJson(c.req.raw)));
    return c.json({ ...(eventId !== undefined && { event_id: eventId }), thread_id: chat.thread.id });
  });

  app.get('/simulator/chats', (c) => c.json(viewChats(simulator.chats())));
  app.get('/simulator/chats/:id', (c) => c.json(viewChat(simulator.chat(c.req.param('id')))));

  return app;
};

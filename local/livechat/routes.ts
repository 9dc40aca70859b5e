import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { SimulatorError } from './errors.ts';
import { parse, parseAction } from './parse.ts';
import { readJson } from './read-json.ts';
import { startRequest } from './requests.ts';
import type { Simulator } from './simulator.ts';
import { viewChat, viewChats } from './view.ts';

const mebibyte = 1024 * 1024;

/**
 * The simulator's own API, by which a person or a test acts as customer, agent or router.
 *
 * @param control the routes of faults, calls and settings
 */
export const simulatorRoutes = (simulator: Simulator, control: Hono): Hono => {
  const app = new Hono();

  app.use(bodyLimit({ maxSize: mebibyte, onError: (c) => c.json({ error: { message: 'More than 1 MiB' } }, 413) }));

  app.onError((error, c) => {
    if (error instanceof SimulatorError) return c.json(error.body, error.status);
    console.error('The simulator failed:', error);
    return c.json({ error: { message: 'The simulator failed; its log says why.' } }, 500);
  });

  app.post('/chats', async (c) => {
    const { chat } = simulator.start(parse(startRequest, await readJson(c.req.raw)));
    return c.json({ chat_id: chat.id, thread_id: chat.thread.id });
  });

  app.post('/chats/:id/events', async (c) => {
    const chatId = c.req.param('id');
    simulator.chat(chatId);
    const { chat, eventId } = simulator.act(chatId, parseAction(await readJson(c.req.raw)));
    return c.json({ ...(eventId !== undefined && { event_id: eventId }), thread_id: chat.thread.id });
  });

  app.get('/chats', (c) => c.json(viewChats(simulator.chats())));
  app.get('/chats/:id', (c) => c.json(viewChat(simulator.chat(c.req.param('id')))));

  app.route('/', control);
  app.all('*', (c) => c.json({ error: { message: `There is no ${c.req.method} ${c.req.path} here.` } }, 404));

  return app;
};

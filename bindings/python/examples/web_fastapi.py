"""A web application whose users let it use an API in their name: FastAPI.

pip install ./bindings/python fastapi httpx itsdangerous python-multipart uvicorn
API_URL=... SECRET_KEY=... uvicorn web_fastapi:app

The profile "web" (docs/CONSENT.md shows one) has the vendor's settings, a `redirect_uri` that leads to
/callback, the API's host, and a `store_key`, so that any process of the application can go on with a login
that another one began. With `store = "file"` the tokens, too, are where every process finds them.
"""

import logging
import os
from typing import Annotated

import httpx
import tokenkeep
from fastapi import Depends, FastAPI, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.middleware.sessions import SessionMiddleware

API = os.environ["API_URL"]

SIGN_IN = """<!doctype html><title>Sign in</title>
<form method="post" action="/sign_in">
<label>Who are you? <input name="user" required></label>
<button>Sign in</button>
</form>"""

app = FastAPI()
# A login under way is in its user's own session cookie, which no script reads and no other site sends.
app.add_middleware(SessionMiddleware, secret_key=os.environ["SECRET_KEY"], same_site="lax", https_only=True)

# One for all users. Those derived from it are cheap, and their tokens are kept as long as this one lives.
client = tokenkeep.Client.from_profile("web")


def client_of_user(request: Request) -> tokenkeep.Client:
    """Give the client with the tokens of the user who is signed in."""
    if "user" not in request.session:
        raise HTTPException(303, headers={"Location": "/sign_in"})
    return client.with_(account=request.session["user"])


UsersClient = Annotated[tokenkeep.Client, Depends(client_of_user)]


@app.get("/sign_in")
def ask_who() -> Response:
    """Stand, with the next one, for your own way to know who somebody is."""
    return HTMLResponse(SIGN_IN)


@app.post("/sign_in")
def sign_in(request: Request, user: Annotated[str, Form()]) -> Response:
    """Take their word for it."""
    request.session["user"] = user
    return RedirectResponse("/", 303)


# What may ask the vendor is no coroutine: FastAPI runs it on a thread, and the event loop goes on.
@app.get("/connect")
def connect(request: Request, users: UsersClient) -> Response:
    """Send the user to the vendor, to say yes there."""
    consent = users.consent()
    request.session["consent"] = consent.seal()
    return RedirectResponse(consent.url)


@app.get("/callback")
def callback(request: Request, users: UsersClient) -> Response:
    """Take the user back, maybe in another process than the one that sent them away."""
    try:
        # The path is this route's own; behind a proxy the rest of the URL may be another.
        users.resume(request.session.get("consent", "")).finish(f"?{request.url.query}")
    except tokenkeep.Error as error:
        logging.warning("a login failed: %s", error)
        # Somebody else's answer, which a link may lead here, leaves this user's own login open.
        if not isinstance(error, tokenkeep.ProtocolError):
            request.session.pop("consent", None)
        raise HTTPException(400, "That did not work. Please connect again.") from error
    # It is good once: the back button finds nothing.
    del request.session["consent"]
    return RedirectResponse("/")


@app.get("/")
async def home(users: UsersClient) -> Response:
    """Show what the API says of the user."""
    try:
        # The hook attaches the token, and answers a 401 with a new one and one more try.
        async with httpx.AsyncClient(auth=users.httpx_auth()) as http:
            answer = await http.get(API)
    except tokenkeep.ConsentRequired:
        return RedirectResponse("/connect")
    return Response(answer.content, answer.status_code, media_type="application/json")


@app.post("/disconnect")
def disconnect(users: UsersClient) -> Response:
    """Give the user's tokens back."""
    users.revoke()
    return RedirectResponse("/", 303)

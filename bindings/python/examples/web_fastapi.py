"""A web application whose users let it use an API in their name: FastAPI.

pip install ./bindings/python fastapi httpx itsdangerous uvicorn
API_URL=... SECRET_KEY=... uvicorn web_fastapi:app

The profile "web" (docs/CONSENT.md shows one) has the vendor's settings, a `redirect_uri` that leads to
/callback, and a `store_key`, so that any process of the application can go on with a login that another one
began. With `store = "file"` the tokens, too, are where every process finds them.
"""

import logging
import os
from typing import Annotated

import httpx
import tokenkeep
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from starlette.middleware.sessions import SessionMiddleware

API = os.environ["API_URL"]

app = FastAPI()
# A login under way is in its user's own session cookie, which no script reads and no other site sends.
app.add_middleware(SessionMiddleware, secret_key=os.environ["SECRET_KEY"], same_site="lax", https_only=True)

# One for all users. Those derived from it are cheap, and their tokens are kept as long as this one lives.
client = tokenkeep.Client.from_profile("web")


def client_of_user(request: Request) -> tokenkeep.Client:
    """Give the client with the tokens of the user who is signed in."""
    if "user" not in request.session:
        raise HTTPException(401)
    return client.with_(account=request.session["user"])


UsersClient = Annotated[tokenkeep.Client, Depends(client_of_user)]


@app.post("/sign_in")
def sign_in(request: Request, user: str) -> Response:
    """Stand for your own way to know who somebody is."""
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
    # Taken out, because it is good once: the back button finds nothing.
    sealed = request.session.pop("consent", "")
    try:
        # The path is this route's own; behind a proxy the rest of the URL may be another.
        users.resume(sealed).finish(f"?{request.url.query}")
    except tokenkeep.Error as error:
        logging.warning("a login failed: %s", error)
        raise HTTPException(400, "That did not work. Please connect again.") from error
    return RedirectResponse("/")


@app.get("/")
async def home(users: UsersClient) -> Response:
    """Show what the API says of the user."""
    try:
        token = await users.token_async()
    except tokenkeep.ConsentRequired:
        return RedirectResponse("/connect")
    async with httpx.AsyncClient() as http:
        answer = await http.get(API, headers=token.headers)
    return Response(answer.content, answer.status_code, media_type="application/json")


@app.post("/disconnect")
def disconnect(users: UsersClient) -> Response:
    """Give the user's tokens back."""
    users.revoke()
    return RedirectResponse("/", 303)

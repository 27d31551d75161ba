"""The routes of tags and notes. Reading needs the scope read; writing needs supervise."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from calls.actions import ACTIONS, DELETE_NOTE
from calls.annotations import add_note, add_tag, delete_note, remove_tag
from calls.api.docs import annotations as docs
from calls.api.serializers.annotations import (
    NewNoteSerializer,
    NewTagSerializer,
    NoteSerializer,
    TagSerializer,
)
from calls.api.views.route import READ, CallRoute, read_body, who
from calls.keys import ApiClient
from calls.models import Note, Tag


class _AnnotationViewSet(CallRoute):
    filter_backends = []
    pagination_class = None


class TagViewSet(_AnnotationViewSet):
    queryset = Tag.objects.all()
    serializer_class = TagSerializer
    scopes: ClassVar = {
        "list": READ,
        "create": ACTIONS["tag"].scope,
        "destroy": ACTIONS["untag"].scope,
    }

    @docs.tag_list
    def list(self, request: Request, call_id: str) -> Response:
        return Response({"results": TagSerializer(self.find_call().tags.all(), many=True).data})

    @docs.tag_add
    def create(self, request: Request, call_id: str) -> Response:
        name = read_body(NewTagSerializer, request)["name"]
        tag, is_new = add_tag(call_id=call_id, name=name, by=who(request))
        # A tag that the call already has is not an error, so that a request can be repeated.
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(TagSerializer(tag).data, status=code)

    @docs.tag_remove
    def destroy(self, request: Request, call_id: str, name: str) -> Response:
        remove_tag(call_id=call_id, name=name, by=who(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class NoteViewSet(_AnnotationViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer
    scopes: ClassVar = {
        "list": READ,
        "create": ACTIONS["note"].scope,
        "destroy": ACTIONS["unnote"].scope,
    }

    @docs.note_list
    def list(self, request: Request, call_id: str) -> Response:
        return Response({"results": NoteSerializer(self.find_call().notes.all(), many=True).data})

    @docs.note_add
    def create(self, request: Request, call_id: str) -> Response:
        written = read_body(NewNoteSerializer, request)
        note = add_note(call_id=call_id, by=who(request), **written)
        return Response(NoteSerializer(note).data, status=status.HTTP_201_CREATED)

    @docs.note_delete
    def destroy(self, request: Request, call_id: str, note_id: int) -> Response:
        delete_note(
            call_id=call_id, note_id=note_id, by=who(request), of_others=_may_delete_all(request)
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _may_delete_all(request: Request) -> bool:
    # A key has scopes, but no permissions.
    is_person = request.user.is_authenticated and not isinstance(request.user, ApiClient)
    return is_person and request.user.has_perm(DELETE_NOTE)
